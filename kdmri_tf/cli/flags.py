"""The command-line flags that the scripts share.

Imports neither TensorFlow nor kdmri_tf, so that `--help` and mistakes are answered at once.
"""

import argparse

from kdmri_tf.choices import (
    CONSISTENCY_FORMS,
    FIRST_CASCADES,
    METHODS,
    PRECISIONS,
    SAMPLERS,
    SCHEDULES,
)
from kdmri_tf.cli.flag_types import (
    fraction,
    network,
    network_name,
    nonnegative_number,
    positive_integer,
    positive_number,
    seed,
)
from tfds_builders.catalog import DATASETS

# Flags of the student-friendly teacher: attributes of `kdmri_tf.friendly_settings`, unless None.
OF_FRIENDLY_TEACHERS = (
    *("reconstruction_weight", "branch_weight", "imitation_weight"),
    *("stop_imitation_gradient", "fade_branches"),
)
# What super-resolution refuses.
OF_MASKS = ("mask_seed", "center_lines", "phase_encode_axis")
OF_UNDERSAMPLING = ("acc", "mask", *OF_MASKS, "random_masks", "data_consistency", "residual")


class Formatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows a default only where there is one that the help does not name itself."""

    def _get_help_string(self, action):
        if action.default in (None, False) or "(default" in action.help:
            return action.help
        return super()._get_help_string(action)


def parser(description, training=True, super_resolution=True):
    """The flags of data, run folder and, if `training`, of training.

    Without those of `super_resolution` for scripts whose networks have cascades.
    """
    flags = argparse.ArgumentParser(description=description, formatter_class=Formatter)
    sources = sorted({source for spec in DATASETS.values() for source in spec.sources})
    data = flags.add_argument_group("data")
    data.add_argument("--dataset", required=True, choices=sorted(DATASETS), help="data set")
    data.add_argument("--acc", type=positive_number, help="nominal acceleration (default: 4)")
    if super_resolution:
        data.add_argument(
            "--scale",
            type=positive_number,
            help="super-resolution instead: the centre of k-space, this many times smaller along "
            "each axis",
        )
    flags.set_defaults(scale=None)
    data.add_argument(
        "--source",
        default="auto",
        choices=["auto", *sources],
        help="where the images come from; auto: the first real source that is there, "
        "else synthetic",
    )
    data.add_argument("--manual-dir", help="raw files, as <manual-dir>/<dataset>/<source>/...")
    data.add_argument("--data-dir", help="prepared data sets (default: ~/tensorflow_datasets)")
    data.add_argument("--mask", default="gaussian", help=f"{', '.join(SAMPLERS)}, or a .npy file")
    data.add_argument("--mask-seed", type=seed, help="seed of a sampled mask (default: 0)")
    data.add_argument(
        "--center-lines",
        type=positive_integer,
        help="lowest lines of a sampled mask (default: 10; knee: 30)",
    )
    data.add_argument(
        "--phase-encode-axis",
        type=int,
        choices=[0, 1],
        help="of a sampled mask: 0 measures rows of k-space, 1 columns (default: 0; knee: 1)",
    )
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
    flags.add_argument("--run-dir", help="run folder (default: in runs/, by data and acceleration)")
    flags.add_argument(
        "--batch-size", type=positive_integer, help="slices a step (default: 4; synthetic: 1)"
    )
    flags.add_argument(
        "--whole-batches",
        action="store_true",
        help="spread every operation over all cores, instead of working on slices side by side",
    )
    if training:
        _add_training(flags.add_argument_group("training"), super_resolution)
    return flags


def for_super_resolution(parser, **defaults):
    """Gives flags other defaults, and leaves those out of the help that are of undersampling."""
    parser.set_defaults(**defaults)
    for action in parser._actions:  # which argparse has no public name for
        if action.dest in OF_UNDERSAMPLING:
            action.help = argparse.SUPPRESS


def take_over(parser, **values):
    """Removes the flags whose values a script chooses itself, and gives them these."""
    for action in list(parser._actions):  # argparse has no public way to remove one
        if action.dest in values:
            for group in parser._action_groups:
                if action in group._group_actions:
                    group._group_actions.remove(action)
            parser._actions.remove(action)
            for option in action.option_strings:
                del parser._option_string_actions[option]
    parser.set_defaults(**values)


def _add_training(group, super_resolution):
    group.add_argument(
        "--epochs", type=positive_integer, help="of every stage (default: 150; synthetic: a few)"
    )
    group.add_argument(
        "--lr", type=positive_number, default=1e-3, help="Adam's first learning rate"
    )
    group.add_argument(
        "--lr-schedule",
        choices=SCHEDULES,
        help="step: times 0.1 every 40 of 150 epochs, in proportion "
        "(default: step; synthetic: cosine)",
    )
    group.add_argument("--seed", type=seed, default=42, help="initial weights and slice order")
    group.add_argument(
        "--random-masks",
        action="store_true",
        help="one of 256 masks for every training slice, picked anew in every epoch",
    )
    group.add_argument(
        "--flips",
        action="store_true",
        help="turn training slices over, up-down and left-right, at random in every epoch",
    )
    group.add_argument(
        "--contrast",
        action="store_true",
        help="change the contrast of training slices at random in every epoch: raised to a power "
        "of 0.7 to 1.5",
    )
    group.add_argument(
        "--precision",
        default="float32",
        choices=PRECISIONS,
        help="of the convolutions; mixed_bfloat16 is faster where the processor has bfloat16",
    )
    group.add_argument(
        "--data-consistency",
        default="auto",
        choices=CONSISTENCY_FORMS,
        help="how it is computed, the same to rounding; fft: the definition; rfft: by the FFT of "
        "real images; auto: that, but without FFT for masks of whole lines on a CPU",
    )
    group.add_argument(
        "--residual",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="cascades add their input",
    )
    if super_resolution:
        group.add_argument(
            "--nonnegative",
            action=argparse.BooleanOptionalAction,
            default=True,
            help="VDSR sets negative intensities to 0",
        )
    vdsr = "; VDSR: 64" if super_resolution else ""
    group.add_argument(
        "--filters",
        type=positive_integer,
        help=f"channels between convolutions (default: 32{vdsr})",
    )


def add_networks(parser, trained=True):
    """The flags of scripts with teacher and student; returns their group.

    Only names are accepted unless the script takes `trained` networks, too.
    """
    group = parser.add_argument_group("distillation")
    for role, name in (("teacher", "D5C5"), ("student", "D3C5")):
        group.add_argument(
            f"--{role}",
            type=network if trained else network_name,
            metavar="NETWORK",
            default=name,
            help="name, or trained .keras file" if trained else "name",
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
        choices=FIRST_CASCADES,
        default="random",
        help="weights that it starts with after SFT; second: those of the second cascade "
        "(default: random)",
    )


def add_friendly_teacher(parser):
    """The flags of how a student-friendly teacher is trained; those that are left out are None."""
    group = parser.add_argument_group("student-friendly teacher (SFT)")
    losses = {
        "reconstruction": "teacher against target",
        "branch": "branches against target",
        "imitation": "branches against teacher",
    }
    for name, words in losses.items():
        group.add_argument(
            f"--{name}-weight",
            type=nonnegative_number,
            metavar="WEIGHT",
            help=f"of {words} (paper: 1)",
        )
    group.add_argument(
        "--stop-imitation-gradient",
        action="store_true",
        default=None,
        help="imitation moves the branches towards the teacher's image, and not that towards them",
    )
    group.add_argument(
        "--fade-branches",
        action="store_true",
        default=None,
        help="the weights of branches and imitation go to 0 over the second half of the epochs",
    )
