"""Grids of distilled students beside their teachers: methods, ablation, compression.

Every network is a stage of its `Experiment`, so that rows share what they have in common (one
teacher, one baseline), finished stages are loaded, and a stopped grid goes on where it stopped.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import keras

from kdmri_tf.distillation.feature_losses import FEATURE_LOSSES
from kdmri_tf.errors import InputError
from kdmri_tf.evaluation.comparison_report import Comparison
from kdmri_tf.evaluation.report import FRIENDLY_TEACHER, STUDENT, TEACHER
from kdmri_tf.training.experiment import Experiment
from kdmri_tf.training.initial_networks import is_name, new_network

METHOD_NAMES = {"at": "AT", "fitnets": "FitNets", "cc": "CC", "fsp": "FSP", "sp": "SP"}


@dataclass(frozen=True, eq=False)
class Row:
    """One network of a grid.

    Attributes:
        name: of the row.
        network: the trained network.
        teacher: name of the row that taught it, or None.
        baseline: name of the row that shows what the same student is without a teacher, or None.
        control: name of the row of the same student alone, trained for as many epochs, or None.
        counterpart: name of the row of the same student without SFT, or None.
        equal_counterpart: name of the row of the same student without SFT, but with as many epochs
            in all, or None.
    """

    name: str
    network: keras.Model
    teacher: str | None = None
    baseline: str | None = None
    control: str | None = None
    counterpart: str | None = None
    equal_counterpart: str | None = None


class Grid:
    """The networks that a comparison is made of; each is trained when it is first asked for.

    Args:
        experiment: `Experiment` in whose run folder they are trained.
        teacher: name or `.keras` file.
        student: name of the student.
        first_cascade: of students that start from SFT, as for `load_weights`.
        friendly_settings: of `Experiment.friendly_teacher`, those that are not the defaults.
        options: of `Experiment.distil`, such as `alpha`, for every student.
    """

    def __init__(
        self,
        experiment,
        teacher="D5C5",
        student="D3C5",
        first_cascade="random",
        friendly_settings=None,
        **options,
    ):
        self.experiment = experiment
        self.teacher_name = teacher
        self.student_name = student
        self.first_cascade = first_cascade
        self.friendly_settings = friendly_settings or {}
        self.options = options

    @cached_property
    def teacher(self):
        """The teacher, trained alone."""
        return self.experiment.teacher(self.teacher_name)

    @cached_property
    def student(self):
        """The student, trained alone."""
        return self.experiment.student(self.student_name)

    @cached_property
    def friendly(self):
        """(student-friendly teacher, path of the student it was trained with)."""
        return self.experiment.friendly_teacher(
            self.teacher_name, self.student_name, **self.friendly_settings
        )

    def distilled(self, method, sft=False, **options):
        """The student distilled from the teacher, or from the student-friendly one."""
        options = {**self.options, **options}
        if not sft:
            return self.experiment.distil(self.teacher, self.student_name, method, **options)
        teacher, start = self.friendly
        ending = "-sft" if self.first_cascade == "random" else f"-sft-{self.first_cascade}"
        return self.experiment.distil(
            *(teacher, self.student_name, method),
            **{**options, "start": start, "first_cascade": self.first_cascade, "variant": ending},
        )

    def pretrained(self, method):
        """The student distilled from the teacher, but from the weights that it has alone.

        In all it is trained for as many epochs as a student that starts from SFT: those alone stand
        for those in the branches.
        """
        teacher, _ = self.teacher, self.student  # which leaves its file
        return self.experiment.distil(
            *(teacher, self.student_name, method),
            **{
                **self.options,
                "start": self.experiment.student_path(self.student_name),
                "variant": "-pretrained",
            },
        )

    def long_student(self):
        """The plain student, trained for as many epochs as two stages of distillation."""
        experiment = self.experiment
        settings = dataclasses.replace(experiment.settings, epochs=2 * experiment.settings.epochs)
        folder = experiment.run_dir / "twice-the-epochs"
        return Experiment(experiment.data, folder, settings).student(self.student_name)


def methods(
    grid, names: Sequence[str] = tuple(FEATURE_LOSSES), equal_epochs: bool = False
) -> list[Row]:
    """SFT-KD-Recon's table: every method from the standard and from the student-friendly teacher.

    Args:
        grid: `Grid`.
        names: keys of `FEATURE_LOSSES`.
        equal_epochs: whether there is a control that the paper lacks: with SFT a student is trained
            in three stages, without in two. "AT, pretrained" is distilled without SFT, too, but
            starts from the weights of the student that was trained alone, so that it has three.
    """
    rows = [Row(TEACHER, grid.teacher), Row(STUDENT, grid.student, TEACHER)]
    for method in names:
        rows.append(_distilled(grid, METHOD_NAMES[method], method))
    controls = {name: f"{METHOD_NAMES[name]}, pretrained" for name in names if equal_epochs}
    for method, name in controls.items():
        rows.append(Row(name, grid.pretrained(method), TEACHER, STUDENT))
    rows.append(Row(FRIENDLY_TEACHER, grid.friendly[0]))
    for method in names:
        row = _distilled(grid, METHOD_NAMES[method], method, sft=True)
        rows.append(dataclasses.replace(row, equal_counterpart=controls.get(method)))
    return rows


def ablation(grid) -> list[Row]:
    """KD-MRI's ablation: which of its two losses helps; and a control that the paper lacks.

    "imitation only" has no attention stage, "attention only" the target alone in its second stage.
    "student, twice the epochs" is the plain student trained as long as both stages together.

    Raises:
        InputError: the student is a file, which cannot be trained that long, or alpha is 1, so that
            nothing is imitated.
    """
    if grid.options.get("alpha") == 1:
        raise InputError("The ablation tells imitation from attention: give an alpha below 1.")
    if not is_name(grid.student_name):
        raise InputError(
            "The ablation trains its student alone for longer, as a control: give its name, such "
            f"as D3C5, instead of {grid.student_name}."
        )
    reconstruction = {"alpha": 1.0, "last_variant": "-target-only"}
    long = "student, twice the epochs"
    return [
        Row(TEACHER, grid.teacher),
        Row(STUDENT, grid.student, TEACHER),
        Row(long, grid.long_student(), TEACHER, STUDENT),
        _distilled(grid, "imitation only", "none"),
        _distilled(grid, "attention only", "at", control=long, **reconstruction),
        _distilled(grid, "attention and imitation", "at", control=long),
    ]


def check_architectures(experiment, students):
    """Refuses students that would share the names of their stages.

    Args:
        experiment: `Experiment`.
        students: names, or `.keras` files.

    Raises:
        InputError: two students have the same numbers of convolutions and cascades.
    """
    named = {}
    for student in students:
        architecture = new_network(student, experiment.settings).architecture
        if architecture in named:
            raise InputError(
                f"{named[architecture]} and {student} are both {architecture}, which names their "
                "stages: compare them in two runs."
            )
        named[architecture] = student


def compression(grid, students=("D4C5", "D3C5", "D2C5")) -> list[Row]:
    """Students of several sizes: alone, distilled (attention transfer), and distilled with SFT.

    Args:
        grid: `Grid`; its own student is not used.
        students: names, with as many cascades as the teacher.
    """
    rows = [Row(TEACHER, grid.teacher)]
    for name in students:
        sized = Grid(
            *(grid.experiment, grid.teacher_name, name),
            *(grid.first_cascade, grid.friendly_settings),
            **grid.options,
        )
        rows += [
            Row(name, sized.student, TEACHER),
            Row(f"{name} KD", sized.distilled("at"), TEACHER, name),
            Row(f"SFT teacher of {name}", sized.friendly[0]),
            Row(
                f"{name} SFT-KD",
                sized.distilled("at", sft=True),
                f"SFT teacher of {name}",
                name,
                counterpart=f"{name} KD",
            ),
        ]
    return rows


def compare(make_rows, experiment, seeds, name) -> Comparison:
    """Trains and evaluates the rows of a grid with every seed and writes table, CSV and plot.

    Args:
        make_rows: function of an `Experiment`, gives its `Row`s.
        experiment: `Experiment`; a seed other than its own gets a run folder within its run folder.
        seeds: of initial weights and slice order.
        name: of the folder for the results, in the run folder.
    """
    evaluations = {}
    for seed in seeds:
        seeded = experiment.with_seed(seed)
        rows = make_rows(seeded)
        networks = {row.name: row.network for row in rows}
        evaluations[seed] = seeded.evaluate(networks, seeded.run_dir / name)
    comparison = Comparison(rows, evaluations)
    folder = experiment.run_dir / name
    print(f"\n{comparison.write(folder, 'comparison')}\nTable, values and plot: {folder}")
    return comparison


def _distilled(grid, name, method, sft=False, control=None, **options):
    network = grid.distilled(method, sft, **options)
    if sft:
        return Row(f"{name}, SFT", network, FRIENDLY_TEACHER, STUDENT, control, counterpart=name)
    return Row(name, network, TEACHER, STUDENT, control)
