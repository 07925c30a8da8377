"""Comparisons of distilled students with their teachers: methods, ablation, compression.

Every network is a stage of its `Experiment`, so that rows share what they have in common (one
teacher, one baseline), finished stages are loaded, and a stopped comparison continues where it
stopped.
"""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from kdmri_tf.distillation.feature_losses import FEATURE_LOSSES
from kdmri_tf.errors import InputError
from kdmri_tf.evaluation.comparison_report import Comparison
from kdmri_tf.evaluation.report import FRIENDLY_TEACHER, STUDENT, TEACHER
from kdmri_tf.training.experiment import Experiment
from kdmri_tf.training.grid import Grid, Row
from kdmri_tf.training.initial_networks import is_name, new_network

METHOD_NAMES = {"at": "AT", "fitnets": "FitNets", "cc": "CC", "fsp": "FSP", "sp": "SP"}


def methods(
    grid: Grid, names: Sequence[str] = tuple(FEATURE_LOSSES), equal_epochs: bool = False
) -> list[Row]:
    """Trains SFT-KD-Recon's table: every method, from the standard and the friendly teacher.

    Args:
        grid: trains the networks.
        names: keys of `FEATURE_LOSSES`.
        equal_epochs: whether to add a control that the paper lacks: with SFT a student is trained
            in three stages, without SFT in two. "AT, pretrained" is distilled without SFT, too, but
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


def ablation(grid: Grid) -> list[Row]:
    """Trains KD-MRI's ablation, which of its two losses helps, and a control that it lacks.

    "imitation only" has no attention stage, "attention only" has only the target in its second
    stage. "student, twice the epochs" is the plain student trained as long as both stages together.

    Args:
        grid: trains the networks.

    Raises:
        InputError: the student is a file, which cannot be trained that long, or alpha is 1, so that
            nothing is imitated.
    """
    if grid.options.get("alpha") == 1:
        raise InputError("The ablation separates imitation from attention: give an alpha below 1.")
    if not is_name(grid.student_name):
        raise InputError(
            "The ablation trains its student alone for longer, as a control: give its name, such "
            f"as D3C5, instead of {grid.student_name}."
        )
    reconstruction: dict[str, Any] = {"alpha": 1.0, "last_variant": "-target-only"}
    long = "student, twice the epochs"
    return [
        Row(TEACHER, grid.teacher),
        Row(STUDENT, grid.student, TEACHER),
        Row(long, grid.long_student(), TEACHER, STUDENT),
        _distilled(grid, "imitation only", "none"),
        _distilled(grid, "attention only", "at", control=long, **reconstruction),
        _distilled(grid, "attention and imitation", "at", control=long),
    ]


def check_architectures(experiment: Experiment, student_names: Iterable[Path | str]) -> None:
    """Refuses networks that cannot be trained here, or would share the names of their stages.

    Args:
        experiment: whose settings they have.
        student_names: such as "D3C5", or `.keras` files.

    Raises:
        InputError: an impossible network, one for another task, or two of one architecture.
    """
    named: dict[str, Path | str] = {}
    for name in student_names:
        network = new_network(name, experiment.settings)
        network.check_degradation(experiment.data.degradation)
        architecture = network.architecture
        if architecture in named:
            raise InputError(
                f"{named[architecture]} and {name} are both {architecture}, and their stages would "
                "share that name: compare them in two runs."
            )
        named[architecture] = name


def compression(grid: Grid, student_names: Sequence[str] = ("D4C5", "D3C5", "D2C5")) -> list[Row]:
    """Trains students of several sizes: alone, distilled (attention transfer), and with SFT.

    Args:
        grid: trains the networks; its own student is not used.
        student_names: with as many cascades as the teacher.
    """
    rows = [Row(TEACHER, grid.teacher)]
    for name in student_names:
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


def architectures(experiment: Experiment, names: Sequence[str]) -> list[Row]:
    """Trains networks alone, without a teacher: rows of their own names.

    Args:
        experiment: trains the networks.
        names: such as "D3C5" and "D5C8-unshuffle2".
    """
    return [Row(name, experiment.student(name)) for name in names]


def compare(
    make_rows: Callable[[Experiment], list[Row]],
    experiment: Experiment,
    seeds: Sequence[int],
    name: str,
) -> Comparison | None:
    """Trains and evaluates the rows of a grid with every seed and writes table, CSV and plot.

    Of several workers the chief alone evaluates and writes; the others get None.

    Args:
        make_rows: trains the rows in an experiment.
        experiment: a seed other than its own gets a run folder within its run folder.
        seeds: of initial weights and slice order.
        name: of the folder for the results, in the run folder.
    """
    evaluations = {}
    for seed in seeds:
        seeded = experiment.with_seed(seed)
        rows = make_rows(seeded)
        if not experiment.is_chief:
            continue
        networks = {row.name: row.network for row in rows}
        evaluations[seed] = seeded.evaluate(networks, seeded.run_dir / name)
    if not experiment.is_chief:
        return None
    comparison = Comparison(rows, evaluations)
    folder = experiment.run_dir / name
    print(f"\n{comparison.write(folder, 'comparison')}\nTable, values and plot: {folder}")
    return comparison


def _distilled(
    grid: Grid,
    name: str,
    method: str,
    sft: bool = False,
    control: str | None = None,
    **options: Any,
) -> Row:
    network = grid.distilled(method, sft, **options)
    if sft:
        return Row(f"{name}, SFT", network, FRIENDLY_TEACHER, STUDENT, control, counterpart=name)
    return Row(name, network, TEACHER, STUDENT, control)
