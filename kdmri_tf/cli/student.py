"""Trains a student network alone, without a teacher: the baseline of distillation.

kdmri student --dataset cardiac --acc 4

Leaves runs/<dataset>-<source>-<acc>x/student-D3C5/model.keras, which `kdmri kd` finds there.
"""

import argparse

from kdmri_tf.cli import flags, from_flags, launch
from kdmri_tf.cli.flag_types import network_name


def main(arguments: argparse.Namespace) -> None:
    experiment = from_flags.experiment(arguments)
    student = experiment.student(arguments.student)
    if experiment.is_chief:
        folder = experiment.run_dir / f"student-{student.architecture}"
        experiment.evaluate({"student": student}, folder)


def run() -> None:
    """Runs the command with the arguments of the command line."""
    parser = flags.parser("Train a student without a teacher.")
    parser.add_argument(
        "--student",
        type=network_name,
        default="D3C5",
        help="DdCc (c cascades of d convolutions), such as D4C5; with --scale VDSR11, for example",
    )
    launch.run(main, parser)
