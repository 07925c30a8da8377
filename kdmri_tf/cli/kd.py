"""KD-MRI from end to end: teacher, student, distilled student, table, figure, SavedModel.

kdmri kd --dataset knee --acc 4
kdmri kd --dataset cardiac --acc 4 --method fsp

--method none is imitation of the teacher's image alone.

Stages that are finished in the run folder are reused; a stopped one continues.
"""

import argparse
from collections.abc import Sequence

from kdmri_tf.choices import METHODS
from kdmri_tf.cli import distillation_flags, flags, from_flags, launch
from kdmri_tf.cli.flag_types import trained_network


def main(arguments: argparse.Namespace) -> None:
    options = from_flags.distillation(arguments)
    experiment = from_flags.experiment(arguments)
    start = arguments.student_init
    experiment.check(arguments.teacher, arguments.student, arguments.method, start)
    teacher = experiment.teacher(arguments.teacher)
    student = experiment.student(arguments.student)
    distilled = experiment.distil(teacher, arguments.student, start=start, **options)
    if experiment.is_chief:
        experiment.evaluate({"teacher": teacher, "student": student, "KD student": distilled})
        experiment.export()


def parser(description: str, methods: Sequence[str] = METHODS) -> argparse.ArgumentParser:
    """Returns the parser of this command, and of others that run the same chain."""
    flags_of_kd = flags.parser(description)
    group = distillation_flags.add_distillation(flags_of_kd, methods=(*methods, "none"))
    group.add_argument(
        "--student-init",
        type=trained_network,
        metavar="MODEL",
        help="weights to distil from: a .keras file, such as student.keras of kdmri sft, or a name "
        "of the zoo",
    )
    return flags_of_kd


def run() -> None:
    """Runs the command with the arguments of the command line."""
    launch.run(main, parser("Distil a student from a teacher (KD-MRI)."))
