"""A frozen teacher's outputs, computed once: it sees the same slices under one mask every epoch."""

import hashlib
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf
from tqdm import tqdm

from kdmri_tf.data.data_config import data_digest
from kdmri_tf.distillation.feature_loss import for_loss
from kdmri_tf.errors import InputError
from kdmri_tf.networks.saved import weights_digest

# What may be kept in memory, for both splits together.
MEMORY_BUDGET_BYTES = 4 * 2**30


@dataclass(frozen=True, eq=False)
class KeptTeacher:
    """What is kept of a teacher on one split.

    Attributes:
        slices: data set with one element a slice, in the order of the split: a dictionary of
            "image" and "described", or one of them.
        split: "train" or "validation".
        data_sha256: of the images and the mask that the teacher saw.
    """

    slices: tf.data.Dataset
    split: str
    data_sha256: str

    def check_data(self, data, split):
        """Refuses to be paired with other slices.

        Raises:
            InputError: another split, other images or another mask.
        """
        if self.split != split:
            raise InputError(
                f"The cached teacher is of the split {self.split!r}, and these batches are of "
                f"{split!r}: give what cache_teacher kept of this split."
            )
        if self.data_sha256 != data_digest(data):
            raise InputError(
                "The cached teacher saw other images or another mask than these batches have: call "
                "cache_teacher with this data."
            )


def cache_teacher(
    teacher,
    data,
    feature_loss=None,
    images=True,
    batch_size=8,
    *,
    folder=None,
    memory_budget=MEMORY_BUDGET_BYTES,
):
    """Runs the teacher once over both splits and keeps what a `Distiller` needs of it.

    Features are kept as `feature_loss.describe` gives them: for `AttentionTransfer` one map a
    cascade instead of 32 channels, so that a slice takes 4 bytes a pixel for the image and 4 for
    every cascade, 0.54 MB at 150 x 150 with five cascades; for `FlowOfSolution` 16 KB. The other
    losses compare all channels (14.4 MB a slice, half of it from a teacher that computes in
    bfloat16): these are kept in memory or not at all, since the teacher computes them faster than a
    disk reads them.

    In memory the values live as long as what is returned. What exceeds the memory
    budget goes to `folder/<key>`, written by `tf.data.Dataset.cache`. The key is a digest of the
    teacher's weights and architecture, the images, the mask and what is kept of them, so values of
    another teacher, mask or data set are never taken for these. A finished cache is used again;
    unfinished ones and those of other keys are deleted before a new one is written.

    Prints one line that says what is done.

    Args:
        teacher: trained `Network`.
        data: `MRIData`.
        feature_loss: keeps what this `FeatureLoss` compares of the features.
        images: keeps the reconstructed images, for imitation.
        batch_size: slices the teacher reconstructs at once.
        folder: for what memory cannot hold, used by one process at a time.
        memory_budget: bytes that may be kept in memory.

    Returns:
        split -> `KeptTeacher`, for `MRIData.batches(..., teacher=...)`. None if the teacher has to
        run in every step, since the training inputs vary or there is no room, and if there is
        nothing to keep.
    """
    if not images and feature_loss is None:
        return None
    if not data.is_fixed:
        return _every_step(f"its inputs vary with {data.variation}")
    outputs = _Outputs(teacher, data, feature_loss, images, batch_size)
    size = _in_words(outputs.num_bytes)
    if outputs.num_bytes <= memory_budget:
        print(f"The teacher's outputs are kept in memory ({size}).", flush=True)
        return outputs.keep()
    if folder is None or not (feature_loss is None or feature_loss.is_compact):
        return _every_step(
            f"its outputs take {size}, and memory may hold {_in_words(memory_budget)}"
        )
    kept = Path(folder) / outputs.key
    if kept.is_dir():
        print(f"The teacher's outputs are on disk already ({size}, {kept}).", flush=True)
        return outputs.cached(kept)
    _delete_caches(folder)
    free = shutil.disk_usage(folder).free
    if outputs.num_bytes > free:
        return _every_step(
            f"its outputs take {size}, and the disk of {folder} has {_in_words(free)} left"
        )
    print(f"The teacher's outputs are kept on disk ({size}, {kept}).", flush=True)
    partial = kept.with_suffix(".partial")
    partial.mkdir()
    outputs.keep(partial)
    partial.rename(kept)  # so that a folder of this name is a finished cache
    return outputs.cached(kept)


class _Outputs:
    """What is kept of a teacher, not computed before it is asked for.

    Attributes:
        key: digest of all that the values depend on, 16 hexadecimal digits.
        num_bytes: size of the values of all splits.
    """

    def __init__(self, teacher, data, feature_loss, images, batch_size):
        self._data = data
        self._batch_size = batch_size
        inputs = _of_any_batch(data.batches("train", batch_size).element_spec[0])

        @tf.function(input_signature=[inputs])
        def compute(inputs):
            image, features = teacher(inputs, return_features=True, training=False)
            kept = {"image": image} if images else {}
            if feature_loss is not None:
                kept["described"] = tuple(feature_loss.describe(for_loss(features, feature_loss)))
            return kept

        self._compute = compute
        self._spec = _of_any_batch(compute.get_concrete_function().structured_outputs)
        self.num_bytes = sum(data.num_slices.values()) * sum(
            spec.dtype.size * spec.shape[1:].num_elements() for spec in tf.nest.flatten(self._spec)
        )
        self.key = _digest(
            architecture={**teacher.get_config(), "name": None, "trainable": None},
            weights=weights_digest(teacher),
            data=data.fingerprint,
            image_size=data.image_size,
            mask=hashlib.sha256(data.mask.tobytes()).hexdigest(),
            images=bool(images),
            features=None if feature_loss is None else _describe(feature_loss),
        )

    def cached(self, folder=None):
        """split -> `KeptTeacher` that a first full pass computes, and later ones read."""
        digest = data_digest(self._data)
        kept = {}
        for split in self._data.num_slices:
            slices = self._computed(split).cache("" if folder is None else str(folder / split))
            kept[split] = KeptTeacher(slices, split, digest)
        return kept

    def keep(self, folder=None):
        """The same after that first pass."""
        kept = self.cached(folder)
        for split, of_split in kept.items():
            progress = tqdm(
                of_split.slices,
                desc=f"teacher on {split}",
                unit="slice",
                total=self._data.num_slices[split],
                disable=None,  # where standard error is no terminal
            )
            for _ in progress:
                pass
        return kept

    def _computed(self, split):
        def batches():
            for inputs, _ in self._data.batches(split, self._batch_size):
                yield tf.nest.map_structure(lambda value: value.numpy(), self._compute(inputs))

        # A generator, as a function mapped by tf.data would run the teacher on the CPU.
        slices = tf.data.Dataset.from_generator(batches, output_signature=self._spec).unbatch()
        # Keras warns where it cannot tell how long a data set is.
        num_slices = self._data.num_slices[split]
        return slices.apply(tf.data.experimental.assert_cardinality(num_slices))


def _of_any_batch(structure):
    """The specification of tensors like these, but for the size of the batch."""
    return tf.nest.map_structure(
        lambda value: tf.TensorSpec((None, *value.shape[1:]), value.dtype), structure
    )


def _every_step(reason):
    print(f"The teacher runs in every step: {reason}.", flush=True)


def _delete_caches(folder):
    """Empties the folder of caches, finished or not, and of nothing else."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    for path in Path(folder).iterdir():
        if path.is_dir() and re.fullmatch(r"[0-9a-f]{16}(\.partial)?", path.name):
            shutil.rmtree(path)


def _describe(feature_loss):
    """Name and, where it is a Keras loss, configuration."""
    return [type(feature_loss).__name__, getattr(feature_loss, "get_config", dict)()]


def _digest(**facts):
    text = json.dumps(facts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _in_words(num_bytes):
    return f"{num_bytes / 1e6:,.2f} MB"
