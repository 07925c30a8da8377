"""One table and one plot of many students: distillation methods, KD-MRI's ablation, compression.

kdmri compare methods --dataset cardiac --acc 4
kdmri compare ablation --dataset cardiac --acc 8 --seeds 42 43
kdmri compare compression --dataset brain --acc 4 --students D4C5 D3C5 D2C5

What rows share is trained once; a stopped comparison goes on where it stopped.
"""

import argparse

from kdmri_tf.choices import GRIDS, METHODS
from kdmri_tf.cli import distillation_flags, flags, from_flags, launch
from kdmri_tf.cli.flag_types import network, seed
from kdmri_tf.errors import InputError

USUAL_STUDENT = "D3C5"

# Flags that not all grids have -> the grids that do.
FLAGS_OF = {
    "student": ("methods", "ablation"),
    "methods": ("methods",),
    "equal_epochs": ("methods",),
    "students": ("compression",),
    "first_cascade": ("methods", "compression"),
    **dict.fromkeys(distillation_flags.OF_FRIENDLY_TEACHERS, ("methods", "compression")),
}


def main(arguments: argparse.Namespace) -> None:
    from kdmri_tf.training import comparison
    from kdmri_tf.training.experiment import Experiment
    from kdmri_tf.training.grid import Grid, Row

    for name, grids in FLAGS_OF.items():
        if getattr(arguments, name) is not None and arguments.grid not in grids:
            flag = f"--{name.replace('_', '-')}"
            raise InputError(f"{flag} belongs to {' and '.join(grids)}: leave it out.")
    methods = (arguments.methods or METHODS) if arguments.grid == "methods" else ["at"]
    students = [arguments.student or USUAL_STUDENT]
    if arguments.grid == "compression":
        students = arguments.students or ["D4C5", "D3C5", "D2C5"]
    friendly = from_flags.friendly_settings(arguments)
    experiment = from_flags.experiment(arguments)
    comparison.check_architectures(experiment, students)
    for student in students:
        for method in methods:
            sft = arguments.grid != "ablation"
            experiment.check(arguments.teacher, student, method, sft=sft, **friendly)

    def rows(experiment: Experiment) -> list[Row]:
        options = {"first_cascade": arguments.first_cascade or "random", "alpha": arguments.alpha}
        options["friendly_settings"] = friendly
        grid = Grid(experiment, arguments.teacher, students[0], **options)
        if arguments.grid == "methods":
            return comparison.methods(grid, methods, bool(arguments.equal_epochs))
        if arguments.grid == "compression":
            return comparison.compression(grid, students)
        return comparison.ablation(grid)

    seeds = arguments.seeds or [arguments.seed]
    comparison.compare(rows, experiment, seeds, f"compare-{arguments.grid}")


def run() -> None:
    """Runs the command with the arguments of the command line."""
    parser = flags.parser("Compare many students of one teacher.")
    parser.add_argument("grid", choices=GRIDS, help="what is compared")
    group = distillation_flags.add_networks(parser, student_note=f"(default: {USUAL_STUDENT})")
    distillation_flags.add_first_cascade(group)
    distillation_flags.add_friendly_teacher(parser)
    group.add_argument("--methods", nargs="+", choices=METHODS, help="default: all")
    group.add_argument(
        "--equal-epochs",
        action="store_true",
        default=None,
        help="of methods: also every method from a student that was trained alone first, which "
        "makes as many epochs in all as with SFT",
    )
    group.add_argument(
        "--students", nargs="+", type=network, help="of compression (default: D4C5 D3C5 D2C5)"
    )
    group.add_argument("--seeds", nargs="+", type=seed, help="of every row (default: --seed)")
    parser.set_defaults(student=None, first_cascade=None)
    launch.run(main, parser)
