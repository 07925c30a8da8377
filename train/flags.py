"""The command-line flags that the scripts share, and how a script runs.

Imports neither TensorFlow nor kdmri_tf before the flags are read, so that `--help` and mistakes are
answered at once.
"""

import argparse
import logging
import os
import sys
import warnings

import allocator
from flag_types import fraction, network, positive_integer, positive_number, seed

from tfds_builders.catalog import DATASETS

# Attribute of `kdmri_tf.TrainingSettings` -> flag
SETTINGS = {
    "epochs": "epochs",
    "batch_size": "batch_size",
    "learning_rate": "lr",
    "schedule": "lr_schedule",
    "seed": "seed",
    "precision": "precision",
    "residual": "residual",
    "filters": "filters",
    "consistency_form": "data_consistency",
}
METHODS = ("at", "fitnets", "cc", "fsp", "sp")
MASK_SAMPLERS = ("gaussian", "uniform", "equispaced")


class _Formatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows a default only where there is one that the help does not name itself."""

    def _get_help_string(self, action):
        if action.default in (None, False) or "(default" in action.help:
            return action.help
        return super()._get_help_string(action)


def parser(description, training=True):
    """The flags of data, run folder and, if `training`, of training."""
    flags = argparse.ArgumentParser(description=description, formatter_class=_Formatter)
    sources = sorted({source for spec in DATASETS.values() for source in spec.sources})
    data = flags.add_argument_group("data")
    data.add_argument("--dataset", required=True, choices=sorted(DATASETS), help="anatomy")
    data.add_argument(
        "--acc", type=positive_number, help="nominal acceleration (default: 4, if not --scale)"
    )
    data.add_argument(
        "--scale",
        type=positive_number,
        help="instead of undersampling, keep this many times fewer frequencies along each axis",
    )
    data.add_argument(
        "--source",
        default="auto",
        choices=["auto", *sources],
        help="where the images come from; auto: the first real source that is there, "
        "else synthetic",
    )
    data.add_argument("--manual-dir", help="raw files, as <manual-dir>/<dataset>/<source>/...")
    data.add_argument("--data-dir", help="prepared data sets (default: ~/tensorflow_datasets)")
    data.add_argument(
        "--mask", default="gaussian", help=f"{', '.join(MASK_SAMPLERS)}, or a .npy file"
    )
    data.add_argument("--mask-seed", type=seed, default=0, help="seed of a sampled mask")
    data.add_argument(
        "--image-size",
        type=positive_integer,
        nargs=2,
        metavar=("H", "W"),
        help="crop or zero-pad to this size",
    )
    data.add_argument("--rebuild-data", action="store_true", help="prepare the raw files anew")
    data.add_argument(
        "--skip-unreadable", action="store_true", help="leave out and report unreadable raw files"
    )
    flags.add_argument("--run-dir", help="run folder (default: runs/<dataset>-<source>-<acc>x)")
    flags.add_argument(
        "--batch-size", type=positive_integer, help="slices a step (default: 4; synthetic: 1)"
    )
    flags.add_argument(
        "--whole-batches",
        action="store_true",
        help="spread every operation over all cores, instead of working on slices side by side",
    )
    if training:
        _add_training(flags.add_argument_group("training"))
    return flags


def _add_training(group):
    group.add_argument(
        "--epochs", type=positive_integer, help="of every stage (default: 150; synthetic: a few)"
    )
    group.add_argument(
        "--lr", type=positive_number, default=1e-3, help="Adam's first learning rate"
    )
    group.add_argument(
        "--lr-schedule",
        choices=["step", "cosine", "constant"],
        help="step: times 0.1 every 40 of 150 epochs, in proportion "
        "(default: step; synthetic: cosine)",
    )
    group.add_argument("--seed", type=seed, default=42, help="initial weights and slice order")
    group.add_argument(
        "--random-masks",
        action="store_true",
        help="a new mask for every training slice in every epoch",
    )
    group.add_argument(
        "--precision", default="float32", choices=["float32", "mixed_bfloat16"], help="training"
    )
    group.add_argument(
        "--data-consistency",
        default="auto",
        choices=["auto", "rfft", "fft"],
        help="how it is computed; the same to rounding",
    )
    group.add_argument(
        "--residual",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="cascades add their input",
    )
    group.add_argument(
        "--filters",
        type=positive_integer,
        help="channels between convolutions (default: 32; VDSR: 64)",
    )


def add_networks(parser):
    """The flags of scripts with teacher and student; returns their group."""
    group = parser.add_argument_group("distillation")
    for role, name in (("teacher", "D5C5"), ("student", "D3C5")):
        group.add_argument(
            f"--{role}",
            type=network,
            metavar="NETWORK",
            default=name,
            help="name, or trained .keras file",
        )
    group.add_argument(
        "--alpha", type=fraction, default=0.5, help="weight of target against teacher"
    )
    group.add_argument(
        "--teacher-cache",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="compute the teacher's outputs once",
    )
    group.add_argument(
        "--teacher-memory",
        type=positive_number,
        default=4.0,
        metavar="GIB",
        help="memory for them; more goes to the run folder",
    )
    return group


def add_distillation(parser, methods=METHODS):
    """Those, and the flags of one distillation; returns their group."""
    group = add_networks(parser)
    group.add_argument(
        "--method",
        choices=methods,
        default="at",
        help="what features are compared by: attention transfer, FitNets, correlation congruence, "
        "flow of solution, similarity preserving",
    )
    group.add_argument("--joint", action="store_true", help="features and images in one stage")
    group.add_argument(
        "--feature-weight",
        type=positive_number,
        default=1.0,
        help="of the features, with --joint",
    )
    return group


def add_first_cascade(group):
    """The flag of scripts that distil students from a student-friendly teacher."""
    group.add_argument(
        "--first-cascade",
        choices=["random", "second"],
        default="random",
        help="weights that it starts with after SFT; second: those of the second cascade",
    )


def distillation(arguments):
    """The options of `Experiment.distil` that the flags set."""
    names = ("method", "alpha", "joint", "feature_weight", "first_cascade")
    return {name: getattr(arguments, name) for name in names if hasattr(arguments, name)}


def run(
    main, flags, after_stop="training continues after its last full epoch", tune_allocator=True
):
    """Parses the command line and calls `main(arguments)`.

    What the user can put right ends in one line on standard error and exit status 2.

    Args:
        main: the script.
        flags: its parser.
        after_stop: what the same command does after it was stopped by Ctrl-C.
        tune_allocator: whether the process keeps memory, see `allocator`.
    """
    arguments = flags.parse_args()
    if tune_allocator:
        allocator.keep_memory()
    # TensorFlow greets with lines about oneDNN and missing GPUs; Python exceptions still show.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from kdmri_tf import InputError

    logging.basicConfig(format="%(message)s")
    logging.getLogger("tfds_builders").setLevel(logging.INFO)
    # TFDS warns of its own deprecations, TensorFlow of the new graphs of every stage.
    for library in ("absl", "tensorflow"):
        logging.getLogger(library).setLevel(logging.ERROR)
    warnings.formatwarning = lambda message, *_: f"{message}\n"  # without a line of our code
    try:
        main(arguments)
    except InputError as error:
        sys.exit(_fail(error))
    except KeyboardInterrupt:
        print(f"\nStopped; {after_stop} with the same command.", file=sys.stderr)
        sys.exit(130)


def experiment(arguments):
    """The experiment that the flags describe: its data, run folder and training settings."""
    from kdmri_tf.experiment import Experiment
    from kdmri_tf.parallel import divide_cores
    from kdmri_tf.settings import default_settings
    from tfds_builders.sources import resolve_source

    source = resolve_source(arguments.dataset, arguments.source, arguments.manual_dir)
    chosen = {name: getattr(arguments, flag, None) for name, flag in SETTINGS.items()}
    settings = default_settings(arguments.dataset, source, **chosen)
    if not arguments.whole_batches:
        divide_cores(settings.batch_size)  # before TensorFlow reads the first slice
    data = _load(arguments, source)
    name = f"{data.dataset}-{data.source}-{data.acceleration_label}".replace(" ", "-")
    slices = ", ".join(f"{count} {split} slices" for split, count in data.num_slices.items())
    print(
        f"{data.dataset} from {data.source}, {data.image_size[0]}x{data.image_size[1]}: {slices}; "
        f"{data.mask_origin}, true acceleration {data.acceleration:.2f}"
        + ("" if data.is_fixed else f"; training with {data.variation}"),
        flush=True,
    )
    cache = {
        "teacher_cache": getattr(arguments, "teacher_cache", True),
        "teacher_memory": int(getattr(arguments, "teacher_memory", 4) * 2**30),
    }
    return Experiment(data, arguments.run_dir or f"runs/{name}", settings, **cache)


def _load(arguments, source):
    """The data, undersampled or at low resolution."""
    from kdmri_tf import InputError
    from kdmri_tf.loading import load_data, load_super_resolution

    places = {
        "source": source,
        "manual_dir": arguments.manual_dir,
        "data_dir": arguments.data_dir,
        "image_size": arguments.image_size,
        "rebuild": arguments.rebuild_data,
        "skip_unreadable": arguments.skip_unreadable,
    }
    random_masks = getattr(arguments, "random_masks", False)
    if arguments.scale is None:
        return load_data(
            arguments.dataset,
            4.0 if arguments.acc is None else arguments.acc,
            mask=arguments.mask,
            mask_seed=arguments.mask_seed,
            random_masks=random_masks,
            **places,
        )
    if arguments.acc is not None or random_masks or arguments.mask != "gaussian":
        raise InputError(
            "--scale lowers the resolution and needs no mask: leave out --acc, --mask and "
            "--random-masks."
        )
    return load_super_resolution(arguments.dataset, arguments.scale, **places)


def _fail(error):
    print(f"error: {error}", file=sys.stderr)
    return 2
