"""What the training benchmark compares: stages, image sizes, choices, and PyTorch beside them."""

import dataclasses
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kdmri_tf.benchmarks.environments import (
    PYTORCH_THREADS,
    SHARED_GPU,
    TUNED_ALLOCATOR,
    check_pytorch,
)
from kdmri_tf.benchmarks.groups import Contender, Group
from kdmri_tf.benchmarks.interleaved import measure
from kdmri_tf.benchmarks.report import Report
from kdmri_tf.benchmarks.training_sizes import check_trainable, dataset_of
from kdmri_tf.choices import STAGES
from kdmri_tf.compute.parallel import describe_device, device_kind
from kdmri_tf.errors import InputError
from kdmri_tf.files import make_folder

LADDER_STAGE = "distillation"  # the one that every choice changes

# Up to here batches of four, above of one: the contenders of a group are in memory together.
PIXELS_OF_LARGE_BATCHES = 240 * 240

# The choices of training in the order in which they are added to the reference: plain `fit` in
# float32, by one step an execution, with the teacher in every step and TensorFlow's own threads.
REFERENCE = "reference"
CHOICES: dict[str, dict[str, Any]] = {
    "+ several steps an execution": {"many_steps": True},
    "+ data consistency without FFT": {"consistency_form": "auto"},
    "+ teacher computed once": {"teacher_cache": True},
    "+ bfloat16 convolutions": {"precision": "mixed_bfloat16"},
    "+ slices side by side": {"side_by_side": True},
    "+ allocator that keeps memory": {"keeps_memory": True},
}
ALL_CHOICES = "all choices"

MAGNITUDES = "magnitude images, all choices"  # what complex images are compared with

# Beside joint training: the same choices, teacher alone.
TEACHER_ALONE = "teacher alone, all choices"

# PyTorch contender -> form of `pytorch_training`
PAPERS_LOOP = "PyTorch, papers' loop"
TUNED_PYTORCH = {"PyTorch, tuned float32": "float32", "PyTorch, tuned bfloat16": "bfloat16"}
PYTORCH_STAGES = ("teacher", "student", "attention", "distillation")
PYTORCH_FORMS = {PAPERS_LOOP: "papers", **TUNED_PYTORCH}

NOTES = (
    "Teacher D5C5, student D3C5, SYNTHETIC images. The reference is `fit` in float32 with the FFT "
    "form of data consistency, one step per execution and the teacher in every step; the choices "
    "are those of `kdmri_tf`'s own training.",
)
PYTORCH_NOTES = (
    "The PyTorch loops train the same networks on the same losses, on one batch in memory that was "
    "undersampled beforehand; TensorFlow reads, shuffles and batches. In PyTorch the teacher runs "
    "in every step; without it, a distillation step would cost what a student step does.",
)


def run(
    folder: Path,
    *,
    sizes: Sequence[tuple[int, int]],
    stages: Sequence[str],
    batch_size: int | None,
    rounds: int,
    seconds: float,
    torch: bool,
    data_dir: Path | str | None,
    coils: Sequence[int] = (),
) -> str:
    """Measures training, and writes `training.md`, `.csv` (a line per turn) and `.png`.

    Args:
        folder: to write to.
        sizes, stages, batch_size, torch, data_dir, coils: as for `training_groups`.
        rounds, seconds: as for `measure`.

    Returns:
        The text of `training.md`.

    Raises:
        InputError: the folder cannot be made, every contender fails, or as for `training_groups`.
    """
    groups = training_groups(sizes, stages, batch_size, torch, data_dir, coils)
    make_folder(folder, "--output")
    notes = NOTES + PYTORCH_NOTES if torch else NOTES
    report = Report("Training", describe_device(), groups, notes)
    measure(report, rounds, seconds)
    report.check_any_turn()
    return report.write(folder, "training")


def training_groups(
    sizes: Sequence[tuple[int, int]],
    stages: Sequence[str] = STAGES,
    batch_size: int | None = None,
    torch: bool = False,
    data_dir: Path | str | None = None,
    coils: Sequence[int] = (),
) -> list[Group]:
    """Sets up the groups of the training benchmark, one for every image size and stage.

    Distillation at the first size has a row for every choice, the others have reference and all
    choices.

    Args:
        sizes: (H, W) each.
        stages: from `STAGES` and `MORE_STAGES`.
        batch_size: slices per step; None for 4, or 1 for images larger than 240x240.
        torch: whether to add the PyTorch loops, to `PYTORCH_STAGES`.
        data_dir: folder of the prepared data sets.
        coils: numbers of coils for which networks of complex images are added, to all stages.

    Raises:
        InputError: PyTorch is asked for and not installed, or has none of the stages; or images
            that are too small.
    """
    if torch and not set(stages) & set(PYTORCH_STAGES):
        raise InputError(
            f"--torch has no stage {' or '.join(stages)}: add one of {', '.join(PYTORCH_STAGES)} "
            "to --stages, or leave --torch out."
        )
    if torch:
        check_pytorch()
    sizes, stages = list(dict.fromkeys(sizes)), list(dict.fromkeys(stages))
    for size in sizes:
        check_trainable(size, bool(coils))
    groups = []
    for size in sizes:
        default = 4 if size[0] * size[1] <= PIXELS_OF_LARGE_BATCHES else 1
        for stage in stages:
            work: dict[str, Any] = {
                "stage": stage,
                "image_size": size,
                "batch_size": batch_size or default,
            }
            with_ladder = stage == LADDER_STAGE and size == sizes[0]
            contenders = _tensorflow(work, data_dir, with_ladder)
            with_all = contenders[-1].name
            rivals: dict[str, tuple[str, ...]] = {}
            if stage == "sft":
                alone = _tensorflow({**work, "stage": "teacher"}, data_dir, with_ladder=False)[-1]
                contenders.append(dataclasses.replace(alone, name=TEACHER_ALONE))
                rivals = {TEACHER_ALONE: (TEACHER_ALONE,)}
            elif torch and stage in PYTORCH_STAGES:
                contenders += _pytorch(work)
                rivals = {PAPERS_LOOP: (PAPERS_LOOP,), "best tuned PyTorch": tuple(TUNED_PYTORCH)}
            if coils:
                contenders += _complex(work, data_dir, coils)
                rivals[MAGNITUDES] = (with_all,)
            groups.append(Group(stage, size, work["batch_size"], tuple(contenders), rivals))
    return groups


def _complex(
    work: Mapping[str, Any], data_dir: Path | str | None, coils: Sequence[int]
) -> list[Contender]:
    """Returns networks of complex images with all choices, one for each number of coils."""
    choices = {name: value for choice in CHOICES.values() for name, value in choice.items()}
    return [
        _contender(
            f"complex images, {count} coil{'s' * (count > 1)}",
            {**_arguments(work, data_dir), **choices, "coils": count},
        )
        for count in dict.fromkeys(coils)
    ]


def _arguments(work: Mapping[str, Any], data_dir: Path | str | None) -> dict[str, Any]:
    place = None if data_dir is None else str(data_dir)
    return {**work, "dataset": dataset_of(work["image_size"]), "data_dir": place}


def _contender(name: str, told: Mapping[str, Any], previous: str | None = None) -> Contender:
    command = (sys.executable, "-m", "kdmri_tf.benchmarks.tensorflow_training")
    return Contender(name, (*command, json.dumps(told)), SHARED_GPU, previous=previous)


def _tensorflow(
    work: Mapping[str, Any], data_dir: Path | str | None, with_ladder: bool
) -> list[Contender]:
    """Returns the reference, every choice if asked for, and all choices."""
    arguments = _arguments(work, data_dir)
    contenders = [_contender(REFERENCE, arguments)]
    chosen: dict[str, Any] = {}
    for name, choice in CHOICES.items():
        chosen = {**chosen, **choice}
        if with_ladder:
            told = {**arguments, **chosen}
            contenders.append(_contender(name, told, previous=contenders[-1].name))
    if with_ladder:
        return contenders
    return [*contenders, _contender(ALL_CHOICES, {**arguments, **chosen})]


def _pytorch(work: Mapping[str, Any]) -> list[Contender]:
    command = (sys.executable, "-m", "kdmri_tf.benchmarks.pytorch_training")
    return [
        Contender(
            name,
            (*command, json.dumps({**work, "form": form, "device": device_kind()})),
            PYTORCH_THREADS | ({} if form == "papers" else TUNED_ALLOCATOR),
            framework="PyTorch",
        )
        for name, form in PYTORCH_FORMS.items()
    ]
