"""A frozen teacher's outputs, computed once: it sees the same slices under one mask every epoch."""

import numpy as np
import tensorflow as tf
from tqdm import tqdm

# What may be kept in memory, for both splits together; beyond it the teacher runs in every step.
MEMORY_BUDGET_BYTES = 4 * 2**30


def cache_teacher(teacher, data, feature_loss=None, images=True, batch_size=8):
    """Runs the teacher over both splits and keeps what a `Distiller` needs of it.

    Features are kept as `feature_loss.condense` leaves them: for `AttentionTransfer` one channel a
    cascade instead of 32, which gives the same loss to float32 rounding.

    Args:
        teacher: trained `DCCNN`.
        data: `MRIData`.
        feature_loss: keeps the features this loss compares; it must have `condense`.
        images: keeps the reconstructed images, for imitation.
        batch_size: slices the teacher reconstructs at once.

    Returns:
        split -> data set for `MRIData.batches(..., teacher=...)`, with one element a slice; or None
        if that would exceed the memory budget, or there is nothing to keep.
    """
    channels = bool(images) + (0 if feature_loss is None else teacher.num_cascades)
    pixels = sum(data.num_slices.values()) * data.mask.size
    if not 0 < 4 * pixels * channels <= MEMORY_BUDGET_BYTES:
        return None

    @tf.function(reduce_retracing=True)
    def outputs_of(inputs):
        image, features = teacher(inputs, return_features=True, training=False)
        kept = {"image": image} if images else {}
        if feature_loss is not None:
            kept["features"] = tuple(feature_loss.condense(feature) for feature in features)
        return kept

    return {split: _run(outputs_of, data, split, batch_size) for split in data.num_slices}


def _run(outputs_of, data, split, batch_size):
    batches = tqdm(
        data.batches(split, batch_size),
        desc=f"teacher on {split}",
        unit="batch",
        total=data.num_batches(split, batch_size),
        disable=None,  # where standard error is no terminal
    )
    parts = [
        tf.nest.map_structure(lambda value: value.numpy(), outputs_of(inputs))
        for inputs, _ in batches
    ]
    joined = tf.nest.map_structure(lambda *values: np.concatenate(values), *parts)
    with tf.device("CPU:0"):  # not in the memory of a GPU
        return tf.data.Dataset.from_tensor_slices(joined)
