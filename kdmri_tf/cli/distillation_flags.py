"""The command-line flags of distillation: networks, methods and student-friendly teachers."""

import argparse
from collections.abc import Sequence

from kdmri_tf.choices import FIRST_CASCADES, METHODS
from kdmri_tf.cli.flag_types import (
    fraction,
    network,
    network_name,
    nonnegative_number,
    positive_number,
)

# What each choice of --method compares; `none` is one of some commands.
METHOD_WORDS = {
    "at": "attention transfer",
    "fitnets": "FitNets",
    "cc": "correlation congruence",
    "fsp": "flow of solution",
    "sp": "similarity preserving",
    "none": "images alone",
}
# Flags of the student-friendly teacher, which are None unless they are given.
OF_FRIENDLY_TEACHERS = (
    *("reconstruction_weight", "branch_weight", "imitation_weight"),
    *("stop_imitation_gradient", "fade_branches"),
)


def add_networks(
    parser: argparse.ArgumentParser,
    trained: bool = True,
    teacher_note: str = "",
    student_note: str = "",
) -> argparse._ArgumentGroup:
    """Adds the flags of commands with teacher and student; returns their group.

    Args:
        parser: that gets the flags.
        trained: whether files of trained networks are accepted beside names.
        teacher_note, student_note: end the help of these.
    """
    group = parser.add_argument_group("distillation")
    add = group.add_argument
    words = "name, trained .keras file or name of the zoo" if trained else "name"
    for role, name, note in (("teacher", "D5C5", teacher_note), ("student", "D3C5", student_note)):
        add(
            f"--{role}",
            type=network if trained else network_name,
            metavar="NETWORK",
            default=name,
            help=f"{words} {note}".rstrip(),
        )
    add(
        "--alpha",
        type=fraction,
        default=0.5,
        help="weight of the target; the teacher's image has the rest of 1",
    )
    add(
        "--teacher-cache",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="compute the teacher's outputs once",
    )
    add(
        "--teacher-memory",
        type=positive_number,
        default=4.0,
        metavar="GIB",
        help="memory for them; what does not fit goes to the run folder",
    )
    return group


def add_distillation(
    parser: argparse.ArgumentParser, methods: Sequence[str] = METHODS
) -> argparse._ArgumentGroup:
    """Adds those and the flags of one distillation; returns their group."""
    group = add_networks(parser)
    add = group.add_argument
    add(
        "--method",
        choices=methods,
        default="at",
        help="how features are compared: "
        + "; ".join(f"{method}, {METHOD_WORDS[method]}" for method in methods),
    )
    add("--joint", action="store_true", help="train on features and images in one stage")
    add(
        "--feature-weight",
        type=positive_number,
        default=1.0,
        help="weight of the features, with --joint",
    )
    return group


def add_first_cascade(group: argparse._ArgumentGroup) -> None:
    """Adds the flag of commands that distil students from a student-friendly teacher."""
    group.add_argument(
        "--first-cascade",
        choices=FIRST_CASCADES,
        default="random",
        help="the weights it starts from after SFT; second: those of the second cascade "
        "(default: random)",
    )


def add_friendly_teacher(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of how a student-friendly teacher is trained; left out, they are None."""
    add = parser.add_argument_group("student-friendly teacher (SFT)").add_argument
    losses = {
        "reconstruction": ("teacher against target", 1),
        "branch": ("branches against target", 1),
        "imitation": ("branches against teacher", 0),
    }
    for name, (words, weight) in losses.items():
        add(
            f"--{name}-weight",
            type=nonnegative_number,
            metavar="WEIGHT",
            help=f"of {words} (paper: 1; default: {weight})",
        )
    add(
        "--stop-imitation-gradient",
        action="store_true",
        default=None,
        help="imitation, which needs a weight, moves the branches towards the teacher's image, but "
        "not that image towards the branches",
    )
    add(
        "--fade-branches",
        action="store_true",
        default=None,
        help="the weights of branches and imitation go to 0 over the second half of the epochs",
    )
