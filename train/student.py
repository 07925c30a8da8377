"""Trains a student network alone, without a teacher: the baseline of distillation.

python train/student.py --dataset cardiac --acc 4

Leaves runs/<dataset>-<source>-<acc>x/student-D3C5/model.keras, which train/kd.py finds there.
"""

import flags


def main(arguments):
    experiment = flags.experiment(arguments)
    experiment.evaluate({"student": experiment.student(arguments.student)})


if __name__ == "__main__":
    parser = flags.parser("Train a student without a teacher.")
    parser.add_argument("--student", default="D3C5", help="DdCc")
    flags.run(main, parser)
