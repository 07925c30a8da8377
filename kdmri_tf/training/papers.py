"""The papers' tables, from nothing: a grid of networks for every data set and acceleration."""

from collections.abc import Mapping
from pathlib import Path

from kdmri_tf.errors import InputError
from kdmri_tf.evaluation.report import DISTILLED, FRIENDLY_TEACHER, STUDENT, TEACHER
from kdmri_tf.training.comparison import Grid, Row, compare
from kdmri_tf.training.experiment import Experiment
from kdmri_tf.training.initial_networks import is_name
from kdmri_tf.training.papers_report import EVALUATIONS, LONG_STUDENT, write_tables

WITH_SFT = ("cardiac-4x",)


def mask_files(folder: str | Path, names: list[str]) -> dict[str, Path]:
    """The mask of every grid: `<folder>/<dataset>_<acceleration>x.npy`.

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
    teacher: str,
    student: str,
    friendly_settings: Mapping | None = None,
) -> None:
    """Refuses grids that cannot be trained, before the first one is.

    Args:
        experiments: name of the grid -> its `Experiment`.
        teacher: name of the network.
        student: name of the network.
        friendly_settings: of `Experiment.friendly_teacher`.

    Raises:
        InputError: as `Experiment.check`; a network given as a file, which is of one mask; or
            settings of SFT without a grid that has it.
    """
    for network in (teacher, student):
        if not is_name(network):
            raise InputError(
                f"Every grid trains its own networks: give a name such as D5C5 instead of "
                f"{network}."
            )
    if friendly_settings and not set(WITH_SFT) & experiments.keys():
        raise InputError(
            f"{next(iter(friendly_settings))} is of the student-friendly teacher, which only "
            f"{' and '.join(WITH_SFT)} has: leave it out."
        )
    for name, experiment in experiments.items():
        friendly = (friendly_settings or {}) if name in WITH_SFT else {}
        experiment.check(teacher, student, sft=name in WITH_SFT, **friendly)


def rows(grid: Grid, sft: bool = False) -> list[Row]:
    """A column of KD-MRI's table, with a student trained alone for as long as the KD student.

    Args:
        grid: `Grid`.
        sft: whether the student distilled from a student-friendly teacher is there as well, and the
            control of equal epochs, see `comparison.methods`.
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
    experiments: Mapping[str, Experiment],
    run_dir: str | Path,
    teacher: str = "D5C5",
    student: str = "D3C5",
    **options,
) -> None:
    """Trains and evaluates grid after grid; after each, writes the tables of all that are there.

    Args:
        experiments: name of the grid -> its `Experiment`, in the folder of that name in `run_dir`.
        run_dir: for `papers.md` and `papers.csv`; may hold grids that other processes finished.
        teacher: name of the network.
        student: name of the network.
        options: of `Grid`.
    """
    for name, experiment in experiments.items():
        print(f"\n=== {name} ===", flush=True)

        def of_grid(seeded, sft=name in WITH_SFT):
            return rows(Grid(seeded, teacher, student, **options), sft)

        compare(of_grid, experiment, [experiment.settings.seed], EVALUATIONS)
        table = write_tables(run_dir)
    print(f"\n{table}\nTables: {Path(run_dir) / 'papers.md'}")
