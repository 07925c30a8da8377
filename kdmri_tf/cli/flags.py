"""The command-line flags of data and run folder, which most commands share.

Imports no TensorFlow, so that `--help` and mistakes are answered at once.
"""

import argparse

from kdmri_tf.choices import SAMPLERS
from kdmri_tf.cli import training_flags
from kdmri_tf.cli.flag_types import (
    MOST_LINES,
    ImageSize,
    count,
    nonnegative_number,
    positive_number,
    seed,
)
from kdmri_tf.cli.parser import Parser
from kdmri_tf.sizes import LARGEST_IMAGE, MOST_COILS, MOST_SLICES
from tfds_builders.catalog import DATASETS, MOST_WORKERS

OF_MASKS = ("mask_seed", "center_lines", "phase_encode_axis")
OF_COILS = ("coils", "snr", "phase_strength", "tissue_phase")
# What super-resolution refuses.
OF_UNDERSAMPLING = (
    *("acc", "mask", *OF_MASKS, *OF_COILS),
    *("random_masks", "data_consistency", "residual", "noise_weight"),
    "consistency_steps",
)


class Formatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows a default only where there is one that the help does not name itself."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default in (None, False) or "(default" in (action.help or ""):
            return action.help
        return super()._get_help_string(action)


def parser(
    description: str,
    training: bool = True,
    super_resolution: bool = True,
    one_dataset: bool = True,
) -> argparse.ArgumentParser:
    """Returns a parser of the flags of data, run folder and training.

    Args:
        description: of the command, for its help.
        training: whether the command trains.
        super_resolution: whether it takes the flags of super-resolution.
        one_dataset: whether the user chooses the data set and how it is undersampled.
    """
    flags = Parser(description=description, formatter_class=Formatter)
    data = flags.add_argument_group("data")
    flags.set_defaults(scale=None)
    if one_dataset:
        _add_dataset(data, super_resolution)
        flags.add_argument(
            "--run-dir", help="run folder (default: in runs/, by data and acceleration)"
        )
    add = data.add_argument
    add("--manual-dir", help="raw files, as <manual-dir>/<dataset>/<source>/...")
    add("--data-dir", help="prepared data sets (default: ~/tensorflow_datasets)")
    add("--rebuild-data", action="store_true", help="prepare the raw files again")
    add("--skip-unreadable", action="store_true", help="leave out and report unreadable raw files")
    add(
        "--num-workers",
        type=count(MOST_WORKERS),
        metavar="N",
        help="prepare raw files with N processes side by side, by Apache Beam (default: this one)",
    )
    add(
        "--beam-pipeline-options",
        metavar="OPTIONS",
        help="prepare raw files on another runner of Apache Beam: name=value, commas between",
    )
    flags.add_argument(
        "--batch-size", type=count(MOST_SLICES), help="slices per step (default: 4; synthetic: 1)"
    )
    flags.add_argument(
        "--whole-batches",
        action="store_true",
        help="spread every operation over all cores, instead of working on slices side by side",
    )
    if training:
        training_flags.add(flags.add_argument_group("training"), super_resolution)
    return flags


def for_super_resolution(parser: argparse.ArgumentParser, **defaults: str | float) -> None:
    """Gives flags other defaults, and leaves those of undersampling out of the help."""
    parser.set_defaults(**defaults)
    for action in parser._actions:  # which argparse has no public name for
        if action.dest in OF_UNDERSAMPLING:
            action.help = argparse.SUPPRESS


def _add_dataset(group: argparse._ArgumentGroup, super_resolution: bool) -> None:
    """Adds the flags that choose a data set and how its images lose what is reconstructed."""
    add = group.add_argument
    sources = sorted({source for spec in DATASETS.values() for source in spec.sources})
    add("--dataset", required=True, choices=sorted(DATASETS), help="data set")
    add("--acc", type=positive_number, help="nominal acceleration (default: 4)")
    if super_resolution:
        add(
            "--scale",
            type=positive_number,
            help="super-resolution instead: keep only the centre of k-space, this many times "
            "smaller along each axis",
        )
    add(
        "--source",
        default="auto",
        choices=["auto", *sources],
        help="where the images come from; auto: the first real source whose files are there, "
        "else synthetic",
    )
    add(
        "--mask",
        default="gaussian",
        help=f"{', '.join(SAMPLERS)}, or a .npy file: H x W, or one value for each line",
    )
    add("--mask-seed", type=seed, help="seed of a drawn mask (default: 0)")
    add(
        "--center-lines",
        type=count(MOST_LINES),
        help="number of lowest lines that a drawn mask always measures (default: 10; knee: 30; "
        "with --coils: 24)",
    )
    add(
        "--phase-encode-axis",
        type=int,
        choices=[0, 1],
        help="what a drawn mask, or one value for each line, measures: 0 for rows of k-space, 1 "
        "for columns (default: 0; knee, and with --coils: 1)",
    )
    add(
        "--coils",
        type=count(MOST_COILS),
        metavar="N",
        help="complex images from k-space of N coils, as scanners have them: raw k-space where the "
        "source has it, more coils compressed to N; else simulated scans of its images (default: "
        "magnitude images with k-space of their own, as in the papers)",
    )
    add(
        "--snr",
        type=positive_number,
        nargs="+",
        help="signal-to-noise ratio of simulated scans: a number, or the lowest and the highest of "
        "those that are drawn (default: 10 60)",
    )
    add(
        "--phase-strength",
        type=nonnegative_number,
        nargs="+",
        metavar="S",
        help="strength of their smooth phase: a number, or the lowest and the highest (default: "
        "0.5 1.5)",
    )
    add(
        "--tissue-phase",
        type=nonnegative_number,
        nargs="+",
        metavar="RAD",
        help="strength of the phase that follows their tissues, such as that of fat, likewise "
        "(default: 0 0.6)",
    )
    add(
        "--image-size",
        type=count(LARGEST_IMAGE),
        action=ImageSize,
        nargs=2,
        metavar=("H", "W"),
        help="crop or zero-pad to this size",
    )
