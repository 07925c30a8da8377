"""KD-MRI from end to end: teacher, student, distilled student, table, figure, SavedModel.

python train/kd.py --dataset knee --acc 4

Stages that are finished in the run folder are reused; a stopped one continues.
"""

import flags


def main(arguments):
    experiment = flags.experiment(arguments)
    experiment.check(arguments.teacher, arguments.student, arguments.student_init)
    teacher = experiment.teacher(arguments.teacher)
    student = experiment.student(arguments.student)
    attentive = experiment.attention(teacher, arguments.student, arguments.student_init)
    distilled = experiment.distilled(teacher, attentive, arguments.alpha)
    experiment.evaluate({"teacher": teacher, "student": student, "KD student": distilled})
    experiment.export(distilled)


if __name__ == "__main__":
    parser = flags.parser("Distil a student from a teacher (KD-MRI).")
    kd = parser.add_argument_group("distillation")
    network = {"type": flags.network, "metavar": "NETWORK"}
    kd.add_argument("--teacher", **network, default="D5C5", help="name, or trained .keras file")
    kd.add_argument("--student", **network, default="D3C5", help="name, or trained .keras file")
    kd.add_argument("--student-init", **network, help=".keras file of weights to distil from")
    kd.add_argument(
        "--alpha", type=flags.fraction, default=0.5, help="weight of target against teacher"
    )
    flags.add_teacher_cache(kd)
    flags.run(main, parser)
