"""How a script runs, and the experiment that its flags describe.

Imports neither TensorFlow nor kdmri_tf before the flags are read.
"""

import logging
import os
import signal
import sys
import warnings

from kdmri_tf.cli import allocator, flags, quiet_import

# Attribute of `kdmri_tf.TrainingSettings` -> flag
SETTINGS = {
    "epochs": "epochs",
    "batch_size": "batch_size",
    "learning_rate": "lr",
    "schedule": "lr_schedule",
    "seed": "seed",
    "precision": "precision",
    "residual": "residual",
    "nonnegative": "nonnegative",
    "filters": "filters",
    "consistency_form": "data_consistency",
}


def run(
    main, parser, after_stop="training continues after its last full epoch", tune_allocator=True
):
    """Parses the command line and calls `main(arguments)`.

    What the user can put right ends in one line on standard error and exit status 2; Ctrl-C in one
    and 130, and a second Ctrl-C at once.

    Args:
        main: the script.
        parser: of its flags.
        after_stop: what the same command does after it was stopped by Ctrl-C.
        tune_allocator: whether the process keeps memory, see `allocator`.
    """
    arguments = parser.parse_args()
    if tune_allocator:
        allocator.keep_memory()
    # Of TensorFlow, Python exceptions show; all else where the level is set to 0.
    level = os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if level != "0" and "tensorflow" not in sys.modules:
        sys.meta_path.insert(0, quiet_import.TensorFlowGreeting())
    from kdmri_tf.errors import InputError

    logging.basicConfig(format="%(message)s")
    logging.getLogger("tfds_builders").setLevel(logging.INFO)
    # TFDS warns of its own deprecations, TensorFlow of the new graphs of every stage.
    for library in ("absl", "tensorflow"):
        logging.getLogger(library).setLevel(logging.ERROR)
    warnings.formatwarning = lambda message, *_: f"{message}\n"  # without a line of our code
    signal.signal(signal.SIGINT, _interrupt)
    try:
        main(arguments)
    except InputError as error:
        sys.exit(_fail(error))
    except KeyboardInterrupt:
        print(f"\nStopped; {after_stop} with the same command.", file=sys.stderr)
        sys.exit(130)


def experiment(arguments):
    """The experiment that the flags describe: its data, run folder and training settings."""
    from kdmri_tf.compute.parallel import divide_cores
    from kdmri_tf.data.data_config import data_facts
    from kdmri_tf.training.experiment import Experiment
    from kdmri_tf.training.settings import default_settings
    from tfds_builders.sources import resolve_source

    source = resolve_source(arguments.dataset, arguments.source, arguments.manual_dir)
    chosen = {name: getattr(arguments, flag, None) for name, flag in SETTINGS.items()}
    settings = default_settings(arguments.dataset, source, **chosen)
    if not arguments.whole_batches:
        divide_cores(settings.batch_size)  # before TensorFlow reads the first slice
    data = _load(arguments, source)
    name = f"{data.dataset}-{data.source}-{data.acceleration_label}".replace(" ", "-")
    axis = data_facts(data).get("phase_encode_axis")
    axis = "" if axis is None else f", phase encode along axis {axis}"
    slices = ", ".join(f"{count} {split} slices" for split, count in data.num_slices.items())
    print(
        f"{data.dataset} from {data.source}, {data.image_size[0]}x{data.image_size[1]}: {slices}; "
        f"{data.mask_origin}{axis}, true acceleration {data.acceleration:.2f}"
        + ("" if data.is_fixed else f"; training with {data.variation}"),
        flush=True,
    )
    cache = {}
    if hasattr(arguments, "teacher_cache"):
        memory = int(arguments.teacher_memory * 2**30)
        cache = {"teacher_cache": arguments.teacher_cache, "teacher_memory": memory}
    return Experiment(data, arguments.run_dir or f"runs/{name}", settings, **cache)


def distillation(arguments):
    """The options of `Experiment.distil` that the flags set.

    Raises:
        InputError: flags that contradict each other.
    """
    from kdmri_tf.errors import InputError

    if arguments.joint and arguments.method == "none":
        raise InputError(
            "--joint trains on features and images at once, but --method none compares no "
            "features: leave one of them out."
        )
    if arguments.feature_weight != 1 and not arguments.joint:
        raise InputError(
            f"--feature-weight {arguments.feature_weight:g} weighs features against images: it "
            "needs --joint."
        )
    names = ("method", "alpha", "joint", "feature_weight", "first_cascade")
    return {name: getattr(arguments, name) for name in names if hasattr(arguments, name)}


def friendly_settings(arguments):
    """The settings of a student-friendly teacher that the flags set."""
    given = {name: getattr(arguments, name) for name in flags.OF_FRIENDLY_TEACHERS}
    return {name: value for name, value in given.items() if value is not None}


def _load(arguments, source):
    """The data, undersampled or at low resolution."""
    from kdmri_tf.data.loading import load_data, load_super_resolution
    from kdmri_tf.errors import InputError

    options = {
        "source": source,
        "manual_dir": arguments.manual_dir,
        "data_dir": arguments.data_dir,
        "image_size": arguments.image_size,
        "rebuild": arguments.rebuild_data,
        "skip_unreadable": arguments.skip_unreadable,
        "augment": _augmentation(arguments),
    }
    random_masks = getattr(arguments, "random_masks", False)
    of_masks = {name: getattr(arguments, name) for name in flags.OF_MASKS}
    of_masks = {name: value for name, value in of_masks.items() if value is not None}
    if of_masks and arguments.mask not in flags.MASK_SAMPLERS:
        flag = next(iter(of_masks)).replace("_", "-")
        raise InputError(
            f"--{flag} is of masks that are sampled, but {arguments.mask} is given: leave one out."
        )
    if arguments.scale is None:
        return load_data(
            arguments.dataset,
            4.0 if arguments.acc is None else arguments.acc,
            mask=arguments.mask,
            random_masks=random_masks,
            **of_masks,
            **options,
        )
    is_masked = arguments.mask != "gaussian" or of_masks
    if arguments.acc is not None or random_masks or is_masked:
        raise InputError(
            "--scale lowers the resolution and needs no mask: leave out --acc and all flags of "
            "masks."
        )
    return load_super_resolution(arguments.dataset, arguments.scale, **options)


def _augmentation(arguments):
    """What changes the training images, or None."""
    from kdmri_tf.data.augmentation import compose_augmentations, random_contrast, random_flips

    known = {"flips": random_flips, "contrast": random_contrast}
    chosen = [augment for flag, augment in known.items() if getattr(arguments, flag, False)]
    return compose_augmentations(*chosen) if len(chosen) > 1 else next(iter(chosen), None)


def _interrupt(*_):
    """Ends the script in order, and whatever it does at the next Ctrl-C.

    For Python drops an interrupt that comes while it deletes an object, and TensorFlow may take its
    time to end.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    raise KeyboardInterrupt


def _fail(error):
    print(f"error: {error}", file=sys.stderr)
    return 2
