"""The papers' tables, from nothing: a grid of networks for every data set and acceleration."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kdmri_tf.errors import InputError
from kdmri_tf.evaluation.published import WITH_SFT
from kdmri_tf.evaluation.report import DISTILLED, FRIENDLY_TEACHER, STUDENT, TEACHER
from kdmri_tf.training.comparison import compare
from kdmri_tf.training.experiment import Experiment
from kdmri_tf.training.grid import Grid, Row
from kdmri_tf.training.initial_networks import is_name
from kdmri_tf.training.papers_report import EVALUATIONS, LONG_STUDENT, records, write_tables


def mask_files(folder: str | Path, names: Sequence[str]) -> dict[str, Path]:
    """Finds the mask of every grid: `<folder>/<dataset>_<acceleration>x.npy`.

    Args:
        folder: of the masks.
        names: of grids, such as "cardiac-4x".

    Raises:
        InputError: one is missing.
    """
    files = {name: Path(folder) / f"{name.replace('-', '_')}.npy" for name in names}
    for name, path in files.items():
        if not path.is_file():
            raise InputError(
                f"There is no mask {path} for {name}: put it there, leave {name} out of --only, or "
                "leave out --masks, so that masks are drawn."
            )
    return files


def check(
    experiments: Mapping[str, Experiment],
    teacher_name: str,
    student_name: str,
    friendly_settings: Mapping[str, Any] | None = None,
    first_cascade: str | None = None,
) -> None:
    """Refuses grids that cannot be trained, before the first one is.

    Args:
        experiments: name of the grid -> its experiment.
        teacher_name: such as "D5C5".
        student_name: such as "D3C5".
        friendly_settings: of `Experiment.friendly_teacher`.
        first_cascade: of the student that starts from SFT; None for the usual one.

    Raises:
        InputError: as for `Experiment.check`; a network given as a file, which was trained with one
            mask; or settings of SFT without a grid that has it.
    """
    for name in (teacher_name, student_name):
        if not is_name(name):
            raise InputError(
                f"Every grid trains its own networks: give a name such as D5C5 instead of {name}."
            )
    of_sft = [*(friendly_settings or ()), *(["first_cascade"] if first_cascade else ())]
    if of_sft and not set(WITH_SFT) & experiments.keys():
        raise InputError(
            f"{of_sft[0]} only matters for the student-friendly teacher, which "
            f"only {' and '.join(WITH_SFT)} has: leave it out."
        )
    for name, experiment in experiments.items():
        if name in WITH_SFT:
            chosen = {"first_cascade": first_cascade, **(friendly_settings or {})}
            experiment.check(teacher_name, student_name, sft=True, **chosen)
        else:
            experiment.check(teacher_name, student_name)


def rows(grid: Grid, sft: bool = False) -> list[Row]:
    """Trains a column of KD-MRI's table, and a student alone for as long as the KD student.

    Args:
        grid: trains the networks.
        sft: whether to add the student distilled from a student-friendly teacher, and the control
            of equal epochs, see `comparison.methods`.
    """
    made = [
        Row(TEACHER, grid.teacher),
        Row(STUDENT, grid.student, TEACHER),
        Row(LONG_STUDENT, grid.long_student(), TEACHER, STUDENT),
        Row(DISTILLED, grid.distilled("at"), TEACHER, STUDENT, LONG_STUDENT),
    ]
    if sft:
        pretrained = f"{DISTILLED}, pretrained"
        made += [
            Row(pretrained, grid.pretrained("at"), TEACHER, STUDENT),
            Row(FRIENDLY_TEACHER, grid.friendly[0]),
            Row(
                *(f"{DISTILLED}, SFT", grid.distilled("at", sft=True), FRIENDLY_TEACHER, STUDENT),
                counterpart=DISTILLED,
                equal_counterpart=pretrained,
            ),
        ]
    return made


def train_grids(
    experiments: dict[str, Experiment],
    run_dir: str | Path,
    teacher_name: str = "D5C5",
    student_name: str = "D3C5",
    **options: Any,
) -> None:
    """Trains and evaluates grid after grid; after each, writes the tables of all that are there.

    Args:
        experiments: name of the grid -> its experiment, in the folder of that name in `run_dir`.
            Each is taken out before it is trained, so that its data leave memory after it.
        run_dir: for `papers.md` and `papers.csv`; may hold grids that other processes finished.
        teacher_name: such as "D5C5".
        student_name: such as "D3C5".
        options: of `Grid`.

    Raises:
        InputError: results that other grids have there are damaged.
    """
    records(run_dir)  # what is damaged there is named now, not after hours of training
    is_chief = all(experiment.is_chief for experiment in experiments.values())
    for name in list(experiments):
        experiment = experiments.pop(name)
        print(f"\n=== {name} ===", flush=True)

        def of_grid(seeded: Experiment, sft: bool = name in WITH_SFT) -> list[Row]:
            return rows(Grid(seeded, teacher_name, student_name, **options), sft)

        if compare(of_grid, experiment, [experiment.settings.seed], EVALUATIONS) is not None:
            table = write_tables(run_dir)
    if is_chief:
        print(f"\n{table}\nTables: {Path(run_dir) / 'papers.md'}")
