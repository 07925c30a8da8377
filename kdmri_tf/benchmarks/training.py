"""What the training benchmark compares: stages, image sizes, choices, and PyTorch beside them."""

import dataclasses
import importlib.util
import json
import sys
from pathlib import Path

from kdmri_tf.benchmarks.interleaved import measure
from kdmri_tf.benchmarks.report import Contender, Group, Report
from kdmri_tf.compute.parallel import describe_device
from kdmri_tf.errors import InputError
from kdmri_tf.files import make_folder

STAGES = ("teacher", "sft", "student", "attention", "distillation")
MORE_STAGES = ("fitnets", "cc", "fsp", "sp")  # the first stage of the other methods
LADDER_STAGE = "distillation"  # the one that every choice changes

# Anatomies by the image sizes of the papers; other sizes are measured on cardiac images.
DATASETS = {(150, 150): "cardiac", (240, 240): "brain", (640, 368): "knee"}

# Up to here batches of four, above of one: the contenders of a group are in memory together.
PIXELS_OF_LARGE_BATCHES = 240 * 240

# The choices of training in the order in which they are added to the reference: plain `fit` in
# float32, by one step an execution, with the teacher in every step and TensorFlow's own threads.
REFERENCE = "reference"
CHOICES = {
    "+ several steps an execution": {"many_steps": True},
    "+ data consistency without FFT": {"consistency_form": "auto"},
    "+ teacher computed once": {"teacher_cache": True},
    "+ bfloat16 convolutions": {"precision": "mixed_bfloat16"},
    "+ slices side by side": {"side_by_side": True},
    "+ allocator that keeps memory": {"allocator": True},
}
ALL_CHOICES = "all choices"

# Beside joint training: the same choices, teacher alone.
TEACHER_ALONE = "teacher alone, all choices"

# PyTorch contender -> form of `pytorch`
PAPERS_LOOP = "PyTorch, papers' loop"
TUNED_PYTORCH = {"PyTorch, tuned float32": "float32", "PyTorch, tuned bfloat16": "bfloat16"}
PYTORCH_STAGES = ("teacher", "student", "attention", "distillation")
PYTORCH_FORMS = {PAPERS_LOOP: "papers", **TUNED_PYTORCH}

# OpenMP threads that sleep while they wait for each other. Spinning, as is their default, they take
# the cores from one another as soon as anything else runs: 5 times slower beside one busy process.
PYTORCH_THREADS = {"OMP_WAIT_POLICY": "PASSIVE"}

# One heap that keeps its memory, in huge pages: of what glibc offers, what helps PyTorch most, and
# how our scripts run (train/allocator.py).
TUNED_ALLOCATOR = {
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "100000000000",
    "MALLOC_TOP_PAD_": "67108864",
}

NOTES = (
    "Teacher D5C5, student D3C5, SYNTHETIC images. The reference is `fit` in float32 with the FFT "
    "form of data consistency, one step an execution and the teacher in every step; the choices "
    "are those of `kdmri_tf`'s own training.",
)
PYTORCH_NOTES = (
    "The PyTorch loops train the same networks on the same losses, on one batch in memory that was "
    "undersampled beforehand; TensorFlow reads, shuffles and batches. In PyTorch the teacher runs "
    "in every step; without it, a distillation step would cost what a student step does.",
)


def run(folder, *, sizes, stages, batch_size, rounds, seconds, torch, data_dir):
    """Measures and writes `training.md`, `.csv` (a line a turn) and `.png` to a folder.

    Args:
        folder: `Path`.
        rounds, seconds: as for `measure`; the other arguments as for `training_groups`.

    Returns:
        The text of `training.md`.

    Raises:
        InputError: the folder cannot be made, or as for `training_groups`.
    """
    groups = training_groups(sizes, stages, batch_size, torch, data_dir)
    make_folder(folder, "--output")
    notes = NOTES + PYTORCH_NOTES if torch else NOTES
    report = Report("Training", describe_device(), groups, notes)
    measure(report, rounds, seconds)
    return report.write(folder, "training")


def training_groups(sizes, stages=STAGES, batch_size=None, torch=False, data_dir=None):
    """The groups of the training benchmark, one for every image size and stage.

    Distillation at the first size has a row for every choice; elsewhere reference and all choices.

    Args:
        sizes: (H, W) each.
        stages: of `STAGES` and `MORE_STAGES`.
        batch_size: slices a step; None for 4, or 1 for images larger than 240x240.
        torch: adds the PyTorch loops, to `PYTORCH_STAGES`.
        data_dir: of the prepared data sets.

    Returns:
        List of `Group`s.

    Raises:
        InputError: PyTorch is asked for and not installed.
    """
    if torch:
        check_pytorch()
    groups = []
    for size in sizes:
        default = 4 if size[0] * size[1] <= PIXELS_OF_LARGE_BATCHES else 1
        for stage in stages:
            work = {"stage": stage, "image_size": size, "batch_size": batch_size or default}
            with_ladder = stage == LADDER_STAGE and size == sizes[0]
            contenders = _tensorflow(work, data_dir, with_ladder)
            rivals = {}
            if stage == "sft":
                alone = _tensorflow({**work, "stage": "teacher"}, data_dir, with_ladder=False)[-1]
                contenders.append(dataclasses.replace(alone, name=TEACHER_ALONE))
                rivals = {TEACHER_ALONE: (TEACHER_ALONE,)}
            elif torch and stage in PYTORCH_STAGES:
                contenders += _pytorch(work)
                rivals = {PAPERS_LOOP: (PAPERS_LOOP,), "best tuned PyTorch": tuple(TUNED_PYTORCH)}
            groups.append(Group(stage, size, work["batch_size"], tuple(contenders), rivals))
    return groups


def check_pytorch():
    """Raises an InputError if PyTorch is not installed."""
    if importlib.util.find_spec("torch") is None:
        raise InputError("--torch needs PyTorch, which is not installed: run pip install torch.")


def _tensorflow(work, data_dir, with_ladder):
    dataset = DATASETS.get(tuple(work["image_size"]), "cardiac")
    arguments = {**work, "dataset": dataset, "data_dir": data_dir}

    def contender(name, choices, previous=None):
        command = (sys.executable, "-m", "kdmri_tf.benchmarks.tensorflow_training")
        # Several of them share a GPU.
        environment = {"TF_FORCE_GPU_ALLOW_GROWTH": "true"}
        choices = dict(choices)
        if choices.pop("allocator", False):
            environment |= TUNED_ALLOCATOR
        return Contender(
            name, (*command, json.dumps({**arguments, **choices})), environment, previous=previous
        )

    contenders, chosen = [contender(REFERENCE, {})], {}
    for name, choice in CHOICES.items():
        chosen = {**chosen, **choice}
        if with_ladder:
            contenders.append(contender(name, chosen, previous=contenders[-1].name))
    return contenders if with_ladder else [*contenders, contender(ALL_CHOICES, chosen)]


def _pytorch(work):
    # By path, and -P so that the modules beside it shadow no other.
    command = (sys.executable, "-P", str(Path(__file__).with_name("pytorch.py")))
    return [
        Contender(
            name,
            (*command, json.dumps({**work, "form": form})),
            PYTORCH_THREADS | ({} if form == "papers" else TUNED_ALLOCATOR),
            framework="PyTorch",
        )
        for name, form in PYTORCH_FORMS.items()
    ]
