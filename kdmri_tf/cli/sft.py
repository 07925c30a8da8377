"""SFT-KD-Recon from end to end: the same distillation with and without a student-friendly teacher.

kdmri sft --dataset brain --acc 4

Teacher and student branches are trained together and the student is distilled from that teacher;
beside it the student alone and distilled from a teacher trained alone. Finished stages are reused.
"""

import argparse

from kdmri_tf.cli import distillation_flags, flags, from_flags, launch


def main(arguments: argparse.Namespace) -> None:
    from kdmri_tf.training.comparison import compare, methods
    from kdmri_tf.training.experiment import Experiment
    from kdmri_tf.training.grid import Grid, Row

    options = from_flags.distillation(arguments)
    experiment = from_flags.experiment(arguments)
    friendly = from_flags.friendly_settings(arguments)
    chosen = {"sft": True, "first_cascade": arguments.first_cascade, **friendly}
    experiment.check(arguments.teacher, arguments.student, arguments.method, **chosen)
    method = options.pop("method")

    def rows(experiment: Experiment) -> list[Row]:
        grid = Grid(
            *(experiment, arguments.teacher, arguments.student),
            **{"friendly_settings": friendly, **options},
        )
        return methods(grid, [method])

    if compare(rows, experiment, [arguments.seed], f"sft-{method}") is not None:
        experiment.export()


def run() -> None:
    """Runs the command with the arguments of the command line."""
    parser = flags.parser(
        "Train a student-friendly teacher and distil from it (SFT-KD-Recon).",
        super_resolution=False,
    )
    group = distillation_flags.add_distillation(parser)
    distillation_flags.add_first_cascade(group)
    distillation_flags.add_friendly_teacher(parser)
    launch.run(main, parser)
