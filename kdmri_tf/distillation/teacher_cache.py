"""Where a frozen teacher's outputs are kept: in memory, on disk, or nowhere."""

import re
import shutil
from pathlib import Path

from kdmri_tf.data.mri_data import MRIData
from kdmri_tf.distillation import feature_losses
from kdmri_tf.distillation.feature_loss import FeatureLoss
from kdmri_tf.distillation.feature_matching import FeatureMatching
from kdmri_tf.distillation.teacher_outputs import OutputsToCome, TeacherOutputs
from kdmri_tf.files import printable, replacing
from kdmri_tf.networks.network import Network

# What may be kept in memory, for both splits together.
MEMORY_BUDGET_BYTES = 4 * 2**30

# Caches, and what a killed process left of one: of this version, or of an earlier one.
CACHE_NAMES = re.compile(r"[0-9a-f]{16}(\.partial)?|\.[0-9a-f]{16}\.partial-.*")


def cache_teacher(
    teacher: Network,
    data: MRIData,
    feature_loss: FeatureLoss | str | None = None,
    images: bool = True,
    batch_size: int = 8,
    *,
    folder: Path | str | None = None,
    memory_budget: float = MEMORY_BUDGET_BYTES,
    student: Network | None = None,
) -> dict[str, TeacherOutputs] | None:
    """Runs the teacher once over both splits and keeps what a `Distiller` needs of it.

    Features are kept as `feature_loss.describe` returns them: for `AttentionTransfer` one map a
    cascade instead of 32 channels, so that a slice takes 4 bytes per pixel for the image and 4 for
    every cascade, 0.54 MB at 150 x 150 with five cascades; for `FlowOfSolution` 16 KB. The other
    losses compare all channels (14.4 MB per slice, half of it from a teacher that computes in
    bfloat16): these are kept in memory or not at all, since the teacher computes them faster than a
    disk reads them.

    In memory the values live as long as what is returned. What exceeds the memory budget goes to
    `folder/<key>`, written by `tf.data.Dataset.cache`. The key is a digest of the teacher's weights
    and architecture, the images, the mask and what is kept of them, so values of another teacher,
    mask or data set are never taken for these. A finished cache is used again; unfinished ones and
    those of other keys are deleted before a new one is written.

    Prints one line that says what is done.

    Args:
        teacher: trained network.
        data: what it sees, as a student will.
        feature_loss: keeps what this loss, or the method of this name, compares of the features.
        images: keeps the reconstructed images, for imitation.
        batch_size: slices the teacher reconstructs at once.
        folder: for what memory cannot hold, used by one process at a time.
        memory_budget: bytes that may be kept in memory.
        student: whose features these are compared with; None for one with the teacher's cascades
            and resolution.

    Returns:
        split -> `TeacherOutputs`, for `MRIData.batches(..., teacher_outputs=...)`. None if the
        teacher has to run in every step, since the training inputs vary or there is no room, and if
        there is nothing to keep.

    Raises:
        InputError: an unknown method.

    Example:
        >>> import tempfile
        >>> from kdmri_tf import DCCNN, cache_teacher, load_data
        >>> teacher = DCCNN(3, 2, filters=4)
        >>> with tempfile.TemporaryDirectory() as folder:  # doctest: +ELLIPSIS
        ...     data = load_data("brain", 2, source="synthetic", center_lines=4,
        ...                      image_size=(40, 32), data_dir=folder)
        ...     outputs = cache_teacher(teacher, data)
        ...     batches = data.batches("train", 4, teacher_outputs=outputs["train"])
        ...     inputs, image = next(iter(batches))
        Downloading and preparing dataset ...
        The teacher's outputs are kept in memory (...).
        >>> tuple(inputs["teacher_outputs"]["image"].shape)
        (4, 40, 32, 1)
    """
    if isinstance(feature_loss, str):
        feature_loss = feature_losses.feature_loss(feature_loss)
    if not images and feature_loss is None:
        return None
    if not (feature_loss is None or isinstance(feature_loss, FeatureLoss)):
        _say_every_step("what a loss that is no FeatureLoss compares cannot be kept")
        return None
    if not data.is_fixed:
        _say_every_step(f"its inputs vary with {data.variation}")
        return None
    matching = FeatureMatching.of(teacher, student or teacher, feature_loss)
    selection = None if matching is None else matching.teacher
    outputs = OutputsToCome(teacher, data, feature_loss, images, batch_size, selection)
    size = _in_words(outputs.num_bytes)
    if outputs.num_bytes <= memory_budget:
        print(f"The teacher's outputs are kept in memory ({size}).", flush=True)
        return outputs.computed()
    if folder is None or not (feature_loss is None or feature_loss.is_compact):
        _say_every_step(f"its outputs take {size}, and memory may hold {_in_words(memory_budget)}")
        return None
    cache = Path(folder) / outputs.key
    where = f"{size}, {printable(str(cache))}"
    if cache.is_dir():
        print(f"The teacher's outputs are on disk already ({where}).", flush=True)
        return outputs.cached(cache)
    _delete_caches(Path(folder))
    free = shutil.disk_usage(folder).free
    if outputs.num_bytes > free:
        _say_every_step(
            f"its outputs take {size}, and the disk of {printable(str(folder))} has "
            f"{_in_words(free)} left"
        )
        return None
    print(f"The teacher's outputs are kept on disk ({where}).", flush=True)
    with replacing(cache) as place:  # so that a folder of this name is a finished cache
        place.mkdir()
        outputs.computed(place)
    return outputs.cached(cache)


def _say_every_step(reason: str) -> None:
    print(f"The teacher runs in every step: {reason}.", flush=True)


def _delete_caches(folder: Path) -> None:
    """Empties the folder of caches, finished or not, and of nothing else."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.is_dir() and CACHE_NAMES.fullmatch(path.name):
            shutil.rmtree(path)


def _in_words(num_bytes: float) -> str:
    return f"{num_bytes / 1e6:,.2f} MB"
