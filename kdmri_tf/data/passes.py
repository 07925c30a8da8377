"""Passes over the slices of a split, in batches: in order, or shuffled and varied by a seed."""

import tensorflow as tf

from kdmri_tf.data.augmentation import Variation

# Slices that are shuffled at once. What a cached teacher keeps on disk waits in the same buffer, so
# that this may take several times as much memory; the order must not depend on the cache.
SHUFFLE_BUFFER_BYTES = 2**30


def in_batches(
    slices: tf.data.Dataset,
    batch_size: int,
    slice_bytes: int,
    seed: int | None = None,
    first_epoch: int | None = None,
    variation: Variation | None = None,
    drop_remainder: bool = False,
) -> tf.data.Dataset:
    """Batches the slices, pass by pass.

    Where the batch size divides the number of slices, or a remainder is dropped, all shapes are
    static.

    Args:
        slices: data set with one element per slice, its length known.
        batch_size: slices per batch; the last batch of a pass may be smaller.
        slice_bytes: of its image, or raw k-space.
        seed: None keeps the slices in order and as they are; a number shuffles and varies them.
        first_epoch: makes the data set endless, its e-th pass depending on (seed, first_epoch + e)
            alone; None for one pass, another one every time.
        variation: changes shuffled slices, which then are dictionaries as it takes them.
        drop_remainder: leaves a smaller last batch out of every pass.
    """
    num_slices = len(slices)
    static = drop_remainder or num_slices % batch_size == 0
    if seed is None:
        return slices.batch(batch_size, drop_remainder=static)
    buffer = min(num_slices, max(1, SHUFFLE_BUFFER_BYTES // slice_bytes))

    def one_pass(seed: int | tf.Tensor, anew: bool) -> tf.data.Dataset:
        shuffled = slices.shuffle(buffer, seed=seed, reshuffle_each_iteration=anew)
        if variation is not None:
            seeds = tf.data.Dataset.random(seed, rerandomize_each_iteration=anew).batch(2)
            shuffled = tf.data.Dataset.zip(shuffled, seeds).map(
                lambda example, seed: variation(example, tf.cast(seed, tf.int32)),
                num_parallel_calls=tf.data.AUTOTUNE,
            )
        return shuffled.batch(batch_size, drop_remainder=static)

    def one_epoch(epoch: tf.Tensor) -> tf.data.Dataset:
        # Seeds the graph of this function alone; from 1, as TensorFlow trips over 0.
        tf.random.set_seed(seed + 1)
        return one_pass(epoch + 1, anew=False)

    if first_epoch is None:
        return one_pass(seed, anew=True)
    return tf.data.Dataset.counter(first_epoch).flat_map(one_epoch)
