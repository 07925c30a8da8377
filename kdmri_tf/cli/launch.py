"""How a command runs, and the experiment that its flags describe.

TensorFlow is imported by the commands that need it, once their flags are read.
"""

import argparse
import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kdmri_tf.choices import SAMPLERS
from kdmri_tf.cli import flags, quiet_import, stopping
from kdmri_tf.compute import allocator
from kdmri_tf.errors import InputError

if TYPE_CHECKING:  # these import TensorFlow
    from kdmri_tf.data.augmentation import Augment
    from kdmri_tf.data.mri_data import MRIData
    from kdmri_tf.training.experiment import Experiment

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
    main: Callable[[argparse.Namespace], None],
    parser: argparse.ArgumentParser,
    after_stop: str = "training continues after its last full epoch",
    keeps_memory: bool = True,
) -> None:
    """Parses the command line and calls `main(arguments)`.

    What the user can put right ends in one line on standard error and exit status 2. Ctrl-C, and
    SIGTERM and SIGHUP just so, end in one line and status 130, 143 or 129, after everything that
    was under way has tidied up; a second one ends the process at once.

    Args:
        main: the command.
        parser: of its flags.
        after_stop: what the same command does after it was stopped.
        keeps_memory: whether freed memory stays with the process, see `allocator`.
    """
    arguments = parser.parse_args()
    if keeps_memory:
        allocator.keep_memory()
    # Of TensorFlow, Python exceptions show; all else where the level is set to 0.
    level = os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if level != "0" and "tensorflow" not in sys.modules:
        sys.meta_path.insert(0, quiet_import.TensorFlowGreeting())
    logging.basicConfig(format="%(message)s")
    logging.getLogger("tfds_builders").setLevel(logging.INFO)
    # TFDS warns of its own deprecations, TensorFlow of the new graphs of every stage.
    for library in ("absl", "tensorflow"):
        logging.getLogger(library).setLevel(logging.ERROR)
    warnings.formatwarning = lambda message, *_: f"{message}\n"  # without a line of our code
    stopping.stop_in_order()
    try:
        main(arguments)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt as stop:
        with contextlib.suppress(OSError):  # the terminal may be gone
            print(f"\nStopped; {after_stop} with the same command.", file=sys.stderr)
        sys.exit(stopping.exit_status(stop))


def experiment(arguments: argparse.Namespace) -> "Experiment":
    """Makes the experiment that the flags describe: its data, run folder and training settings."""
    from kdmri_tf.compute.parallel import divide_cores
    from kdmri_tf.data.provenance import data_facts
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
    number = data_facts(data).get("phase_encode_axis")
    axis = "" if number is None else f", phase encode along axis {number}"
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


def distillation(arguments: argparse.Namespace) -> dict[str, Any]:
    """Returns the options of `Experiment.distil` that the flags set.

    Raises:
        InputError: flags that contradict each other.
    """
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


def friendly_settings(arguments: argparse.Namespace) -> dict[str, float | bool]:
    """Returns the settings of a student-friendly teacher that the flags set."""
    given = {name: getattr(arguments, name) for name in flags.OF_FRIENDLY_TEACHERS}
    return {name: value for name, value in given.items() if value is not None}


def _load(arguments: argparse.Namespace, source: str) -> "MRIData":
    """Loads the data, undersampled or at low resolution."""
    from kdmri_tf.data.loading import load_data, load_super_resolution

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
    if of_masks and arguments.mask not in SAMPLERS:
        flag = next(iter(of_masks)).replace("_", "-")
        raise InputError(
            f"--{flag} is for drawn masks, but --mask names {arguments.mask}: leave one out."
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
            "--scale lowers the resolution and needs no mask: leave out --acc and all mask flags."
        )
    return load_super_resolution(arguments.dataset, arguments.scale, **options)


def _augmentation(arguments: argparse.Namespace) -> "Augment | None":
    """Returns what changes the training images, or None."""
    from kdmri_tf.data.augmentation import compose_augmentations, random_contrast, random_flips

    known = {"flips": random_flips, "contrast": random_contrast}
    chosen = [augment for flag, augment in known.items() if getattr(arguments, flag, False)]
    return compose_augmentations(*chosen) if len(chosen) > 1 else next(iter(chosen), None)
