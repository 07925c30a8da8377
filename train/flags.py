"""The command-line flags that the scripts share, and how a script runs.

Imports neither TensorFlow nor kdmri_tf before the flags are read, so that `--help` and mistakes are
answered at once.
"""

import argparse
import logging
import os
import re
import sys
import warnings

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
    data.add_argument("--acc", type=positive_number, default=4.0, help="nominal acceleration")
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
        "--filters", type=positive_integer, default=32, help="channels between convolutions"
    )


def add_teacher_cache(group):
    """The flags of scripts that distil."""
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


def named_model(text):
    """Splits "NAME=MODEL.keras"."""
    name, separator, path = text.partition("=")
    if not (name and separator and path):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=MODEL.keras")
    return name, path


def network(text):
    """Accepts a name such as "D5C5", or the path of a `.keras` file that is there."""
    if text.endswith(".keras"):
        if not os.path.isfile(text):
            raise argparse.ArgumentTypeError(f"there is no model {text}")
    elif not re.fullmatch(r"[Dd]\d+[Cc]\d+", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a name DdCc, such as D5C5, nor a .keras file"
        )
    return text


def positive_integer(text):
    """Accepts 1, 2, 3, ..."""
    if int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return int(text)


def positive_number(text):
    """Accepts a finite number above 0."""
    if not 0 < float(text) < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no positive number")
    return float(text)


def seed(text):
    """Accepts 0, 1, 2, ..."""
    if not 0 <= int(text) < 2**31:
        raise argparse.ArgumentTypeError(f"{text} does not lie between 0 and 2^31 - 1")
    return int(text)


def fraction(text):
    """Accepts a number from 0 to 1."""
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} does not lie between 0 and 1")
    return value


def run(main, flags, after_stop="training continues after its last full epoch"):
    """Parses the command line and calls `main(arguments)`.

    What the user can put right ends in one line on standard error and exit status 2.

    Args:
        main: the script.
        flags: its parser.
        after_stop: what the same command does after it was stopped by Ctrl-C.
    """
    arguments = flags.parse_args()
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
    from kdmri_tf.data import load_data
    from kdmri_tf.experiment import Experiment
    from kdmri_tf.parallel import divide_cores
    from kdmri_tf.settings import default_settings
    from tfds_builders.sources import resolve_source

    source = resolve_source(arguments.dataset, arguments.source, arguments.manual_dir)
    chosen = {name: getattr(arguments, flag, None) for name, flag in SETTINGS.items()}
    settings = default_settings(arguments.dataset, source, **chosen)
    if not arguments.whole_batches:
        divide_cores(settings.batch_size)  # before TensorFlow reads the first slice
    data = load_data(
        arguments.dataset,
        arguments.acc,
        source=source,
        manual_dir=arguments.manual_dir,
        data_dir=arguments.data_dir,
        mask=arguments.mask,
        mask_seed=arguments.mask_seed,
        random_masks=getattr(arguments, "random_masks", False),
        image_size=arguments.image_size,
        rebuild=arguments.rebuild_data,
        skip_unreadable=arguments.skip_unreadable,
    )
    name = f"{data.dataset}-{data.source}-{data.acceleration_label}"
    slices = ", ".join(f"{count} {split} slices" for split, count in data.num_slices.items())
    print(
        f"{data.dataset} from {data.source}, {data.image_size[0]}x{data.image_size[1]}: {slices}; "
        f"mask {data.mask_origin}, true acceleration {data.acceleration:.2f}"
        + ("" if data.is_fixed else f"; training with {data.variation}"),
        flush=True,
    )
    cache = {
        "teacher_cache": getattr(arguments, "teacher_cache", True),
        "teacher_memory": int(getattr(arguments, "teacher_memory", 4) * 2**30),
    }
    return Experiment(data, arguments.run_dir or f"runs/{name}", settings, **cache)


def _fail(error):
    print(f"error: {error}", file=sys.stderr)
    return 2
