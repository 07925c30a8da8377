"""Trains a student network alone, without a teacher: the baseline of distillation.

python train/student.py --dataset cardiac --acc 4

Leaves runs/<dataset>-<source>-<acc>x/student-D3C5/model.keras, which train/kd.py finds there.
"""

import flags
import launch
from flag_types import network


def main(arguments):
    experiment = launch.experiment(arguments)
    student = experiment.student(arguments.student)
    experiment.evaluate(
        {"student": student}, experiment.run_dir / f"student-{student.architecture}"
    )


if __name__ == "__main__":
    parser = flags.parser("Train a student without a teacher.")
    parser.add_argument("--student", type=network, default="D3C5", help="name DdCc, such as D4C5")
    launch.run(main, parser)
