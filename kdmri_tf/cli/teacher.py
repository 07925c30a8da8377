"""Trains a teacher network on the mean absolute error.

kdmri teacher --dataset cardiac --acc 4

Leaves runs/<dataset>-<source>-<acc>x/teacher-D5C5/model.keras, which `kdmri kd` finds there.
"""

import argparse

from kdmri_tf.cli import flags, from_flags, launch
from kdmri_tf.cli.flag_types import network_name


def main(arguments: argparse.Namespace) -> None:
    experiment = from_flags.experiment(arguments)
    teacher = experiment.teacher(arguments.teacher)
    if experiment.is_chief:
        folder = experiment.run_dir / f"teacher-{teacher.architecture}"
        experiment.evaluate({"teacher": teacher}, folder)


def run() -> None:
    """Runs the command with the arguments of the command line."""
    parser = flags.parser("Train a teacher.")
    parser.add_argument(
        "--teacher",
        type=network_name,
        default="D5C5",
        help="DdCc (c cascades of d convolutions), such as D4C5; with --scale VDSR11, for example",
    )
    launch.run(main, parser)
