"""One table and one plot of many networks: methods, KD-MRI's ablation, compression, architectures.

kdmri compare methods --dataset cardiac --acc 4 --manual-dir data
kdmri compare ablation --dataset cardiac --acc 8 --seeds 42 43 --manual-dir data
kdmri compare compression --dataset brain --acc 4 --students D4C5 D2C5 --manual-dir data
kdmri compare architectures --dataset cardiac --acc 4 --students D3C5 D5C8-unshuffle2

What rows share is trained once; a stopped comparison goes on where it stopped.
"""

import argparse

from kdmri_tf.choices import GRIDS, METHODS
from kdmri_tf.cli import distillation_flags, flags, from_flags, launch
from kdmri_tf.cli.flag_types import MOST_ROUNDS, count, is_trained, network, seconds, seed
from kdmri_tf.errors import InputError

USUAL_TEACHER, USUAL_STUDENT = "D5C5", "D3C5"
ROUNDS, SECONDS = 7, 1.0  # of the benchmark of architectures
USUAL_ARCHITECTURES = (
    *("D2C5", "D3C5", "D4C5", "D5C5", "D3C5-unshuffle2", "D5C5-unshuffle2", "D5C8-unshuffle2"),
    *("D5C7-unshuffle2-final3", "D5C8-unshuffle2-shared", "D5C8-unshuffle2-shared-memory8"),
)

# Flags that not all grids have -> the grids that do.
FLAGS_OF = {
    "student": ("methods", "ablation"),
    "methods": ("methods",),
    "equal_epochs": ("methods",),
    "students": ("compression", "architectures"),
    "rounds": ("architectures",),
    "seconds": ("architectures",),
    "first_cascade": ("methods", "compression"),
    "teacher": ("methods", "ablation", "compression"),
    **dict.fromkeys(distillation_flags.OF_FRIENDLY_TEACHERS, ("methods", "compression")),
}


# Likewise of flags that have a default.
DISTILLING = ("alpha", "teacher_cache", "teacher_memory")


def main(arguments: argparse.Namespace) -> None:
    _check(arguments)  # before TensorFlow is imported
    if arguments.grid == "architectures":
        _compare_architectures(arguments)
    else:
        _compare(arguments)


def _check(arguments: argparse.Namespace) -> None:
    """Refuses flags that the grid does not have, and files as architectures."""
    distilling = dict.fromkeys(DISTILLING, ("methods", "ablation", "compression"))
    for name, grids in {**FLAGS_OF, **distilling}.items():
        is_given = getattr(arguments, name) != arguments.defaults.get(name)
        if is_given and arguments.grid not in grids:
            flag = f"--{name.replace('_', '-')}"
            raise InputError(f"{flag} belongs to {' and '.join(grids)}: leave it out.")
    for name in arguments.students or ():
        if arguments.grid == "architectures" and is_trained(name):
            raise InputError(
                f"{name} is trained already: compare architectures by their names, such as D3C5."
            )


def _compare(arguments: argparse.Namespace) -> None:
    """Trains students of one teacher in several ways, and compares them."""
    from kdmri_tf.training import comparison
    from kdmri_tf.training.experiment import Experiment
    from kdmri_tf.training.grid import Grid, Row

    teacher = arguments.teacher or USUAL_TEACHER
    methods = (arguments.methods or METHODS) if arguments.grid == "methods" else ["at"]
    students = [arguments.student or USUAL_STUDENT]
    if arguments.grid == "compression":
        students = arguments.students or ["D4C5", "D3C5", "D2C5"]
    friendly = from_flags.friendly_settings(arguments)
    experiment = from_flags.experiment(arguments)
    comparison.check_architectures(experiment, students)
    for student in students:
        for method in methods:
            chosen = {"first_cascade": arguments.first_cascade, **friendly}
            experiment.check(teacher, student, method, sft=arguments.grid != "ablation", **chosen)

    def rows(experiment: Experiment) -> list[Row]:
        options = {"first_cascade": arguments.first_cascade or "random", "alpha": arguments.alpha}
        options["friendly_settings"] = friendly
        grid = Grid(experiment, teacher, students[0], **options)
        if arguments.grid == "methods":
            return comparison.methods(grid, methods, bool(arguments.equal_epochs))
        if arguments.grid == "compression":
            return comparison.compression(grid, students)
        return comparison.ablation(grid)

    seeds = arguments.seeds or [arguments.seed]
    comparison.compare(rows, experiment, seeds, f"compare-{arguments.grid}")


def _compare_architectures(arguments: argparse.Namespace) -> None:
    """Trains each network alone, and measures what it gives beside what it costs."""
    from kdmri_tf.benchmarks.architectures import measure_architectures
    from kdmri_tf.training import comparison

    names = arguments.students or list(USUAL_ARCHITECTURES)
    experiment = from_flags.experiment(arguments)
    comparison.check_architectures(experiment, names)
    name = f"compare-{arguments.grid}"
    result = comparison.compare(
        lambda seeded: comparison.architectures(seeded, names),
        *(experiment, arguments.seeds or [arguments.seed], name),
    )
    if result is None:  # the chief of several workers does the rest
        return
    first = experiment.with_seed(next(iter(result.evaluations)))
    paths = {str(name): first.student_path(name) for name in names}
    folder = experiment.run_dir / name
    table = measure_architectures(
        *(result, paths, folder, experiment.data.image_size),
        rounds=arguments.rounds or ROUNDS,
        seconds=arguments.seconds or SECONDS,
        manual_dir=arguments.manual_dir,
        data_dir=arguments.data_dir,
    )
    print(f"\n{table}\nTable, values and plot: {folder}/architectures.*")


def run() -> None:
    """Runs the command with the arguments of the command line."""
    parser = flags.parser("Compare many students of one teacher, or many networks.")
    parser.add_argument("grid", choices=GRIDS, help="what is compared")
    notes = (f"(default: {name})" for name in (USUAL_TEACHER, USUAL_STUDENT))
    group = distillation_flags.add_networks(parser, True, *notes)
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
        "--students",
        nargs="+",
        type=network,
        help="of compression (default: D4C5 D3C5 D2C5); of architectures: the networks (default: "
        "the papers' sizes and cheaper ones)",
    )
    group.add_argument(
        "--rounds",
        type=count(MOST_ROUNDS),
        help=f"of architectures: turns of every network and format (default: {ROUNDS})",
    )
    group.add_argument(
        "--seconds", type=seconds, help=f"of architectures: length of a turn (default: {SECONDS:g})"
    )
    group.add_argument("--seeds", nargs="+", type=seed, help="of every row (default: --seed)")
    parser.set_defaults(teacher=None, student=None, first_cascade=None)
    parser.set_defaults(defaults={name: parser.get_default(name) for name in DISTILLING})
    launch.run(main, parser)
