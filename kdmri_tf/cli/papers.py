"""The tables of both papers from nothing, each network beside its published numbers.

kdmri papers --manual-dir data --masks masks
kdmri papers --manual-dir data --masks masks --only cardiac-4x brain-4x

Every data set and acceleration is a grid in a folder of its own: teacher, student, student trained
for the epochs of both stages, KD student; cardiac at 4x with SFT as well. A stopped command goes on
where it stopped, and several with different grids can share the work.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from kdmri_tf.cli import distillation_flags, flags, from_flags, launch
from kdmri_tf.errors import InputError
from kdmri_tf.evaluation.published import GRIDS, WITH_SFT

DEFAULT_GRIDS = ("cardiac-4x", "brain-4x", "cardiac-5x", "cardiac-8x", "knee-4x")
# In place of the flags that describe a single data set; every grid sets the first four itself.
OF_ONE_DATASET = {
    **{"dataset": None, "acc": None, "mask": "gaussian", "run_dir": None},
    **{"source": "auto", "image_size": None, **dict.fromkeys((*flags.OF_MASKS, *flags.OF_COILS))},
}


def main(arguments: argparse.Namespace) -> None:
    names = list(dict.fromkeys(arguments.only))
    _check_sft(arguments, names)
    from kdmri_tf.training import papers
    from kdmri_tf.training.experiment import Experiment

    masks = papers.mask_files(arguments.masks, names) if arguments.masks else {}
    friendly = from_flags.friendly_settings(arguments)
    run_dir = Path(arguments.run_dir)
    experiments: dict[str, Experiment] = {}
    prepared: set[str] = set()
    for name in names:
        dataset, acceleration = GRIDS[name]
        of_grid = {"dataset": dataset, "acc": float(acceleration), "run_dir": run_dir / name}
        of_grid["mask"] = str(masks.get(name, "gaussian"))
        # The cores are divided once in a process.
        of_grid["whole_batches"] = arguments.whole_batches or bool(experiments)
        of_grid["rebuild_data"] = arguments.rebuild_data and dataset not in prepared
        prepared.add(dataset)
        chosen = argparse.Namespace(**{**vars(arguments), **of_grid})
        experiments[name] = from_flags.experiment(chosen)
    first_cascade = arguments.first_cascade
    papers.check(experiments, arguments.teacher, arguments.student, friendly, first_cascade)
    papers.train_grids(
        *(experiments, run_dir, arguments.teacher, arguments.student),
        friendly_settings=friendly,
        first_cascade=first_cascade or "random",
        alpha=arguments.alpha,
    )


def _check_sft(arguments: argparse.Namespace, names: Sequence[str]) -> None:
    """Refuses flags of student-friendly teachers without a grid that has one."""
    if set(names) & set(WITH_SFT):
        return
    for name in (*distillation_flags.OF_FRIENDLY_TEACHERS, "first_cascade"):
        if getattr(arguments, name) is not None:
            raise InputError(
                f"--{name.replace('_', '-')} only matters for the student-friendly teacher, which "
                f"only {' and '.join(WITH_SFT)} has: add that to --only, or leave the flag out."
            )


def run() -> None:
    """Runs the command with the arguments of the command line."""
    parser = flags.parser(
        "Make the tables of both papers.", super_resolution=False, one_dataset=False
    )
    parser.set_defaults(**OF_ONE_DATASET)
    parser.add_argument("--run-dir", default="runs/papers", help="with a folder for every grid")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=GRIDS,
        default=DEFAULT_GRIDS,
        metavar="GRID",
        help=f"of {', '.join(GRIDS)} (default: {' '.join(DEFAULT_GRIDS)})",
    )
    parser.add_argument(
        "--masks",
        metavar="FOLDER",
        help="of <data set>_<acceleration>x.npy, such as cardiac_4x.npy (default: masks are drawn)",
    )
    distillation_flags.add_first_cascade(distillation_flags.add_networks(parser, trained=False))
    distillation_flags.add_friendly_teacher(parser)
    parser.set_defaults(first_cascade=None)
    launch.run(main, parser)
