"""Batches in parts, one for every replica of a strategy."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from kdmri_tf.errors import InputError


def share_batches(
    batches: tf.data.Dataset,
    strategy: tf.distribute.Strategy,
    batch_size: int,
    finish: Callable[..., tuple[Any, tf.Tensor]] | None = None,
) -> tf.distribute.DistributedDataset:
    """Splits every batch over the replicas of a strategy, for `model.fit` under it.

    Every worker makes the same batches, which depend on seed and epoch alone, and each of its
    replicas takes its part: the first slices of a batch go to the first replica. Where a batch, as
    the last of a pass, cannot be split evenly, the first replicas get a slice more; one that would
    get none gets the first slice of the batch with weight 0. So every slice is seen once.

    `MRIData.batches` does this where it is given a `strategy`, and undersamples a worker's own part
    of each batch alone.

    Args:
        batches: `(inputs, image)`, as of `MRIData.batches`, repeated without end, as with
            `first_epoch` or after `repeat()`; `fit` then needs the numbers of steps.
        strategy: that networks are built under.
        batch_size: slices of a whole batch.
        finish: makes `(inputs, image)` of each part; batches may then be anything whose tensors
            have the slices on their first axis.

    Returns:
        Batches of each replica: `(inputs, image, weight)`, the weight float32 `(slices,)`, as the
        networks, `Distiller` and `StudentFriendlyTeacher` take it; without the weight where there
        is one replica.

    Raises:
        InputError: fewer slices a batch than replicas.

    Example:
        >>> import tensorflow as tf
        >>> from kdmri_tf import share_batches
        >>> strategy = tf.distribute.MirroredStrategy(["CPU:0"])
        >>> slices = tf.data.Dataset.from_tensor_slices((tf.ones((4, 2)), tf.ones((4, 2))))
        >>> inputs, image = next(iter(share_batches(slices.batch(4).repeat(), strategy, 4)))
        >>> tuple(image.shape)
        (4, 2)
    """
    replicas = strategy.num_replicas_in_sync
    if batch_size < replicas:
        raise InputError(
            f"A batch of {batch_size} slices cannot be shared by {replicas} replicas: choose a "
            f"batch size of {replicas} or more (--batch-size; in code batch_size)."
        )

    finish = finish or (lambda inputs, image: (inputs, image))
    if replicas == 1:
        batches = batches.map(finish, num_parallel_calls=tf.data.AUTOTUNE)
        return strategy.experimental_distribute_dataset(batches)

    def of_worker(context: tf.distribute.InputContext) -> tf.data.Dataset:
        own = replicas // context.num_input_pipelines
        first = own * context.input_pipeline_id

        def parts(*batch: Any) -> tf.data.Dataset:
            numbers = tf.data.Dataset.range(first, first + own)
            return numbers.map(lambda number: _part(batch, number, replicas))

        def finished(part: tuple[Any, ...], weight: tf.Tensor) -> tuple[Any, ...]:
            return (*finish(*part), weight)

        shared = batches.flat_map(parts).map(finished, num_parallel_calls=tf.data.AUTOTUNE)
        endless = tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY)
        return shared.apply(endless).prefetch(tf.data.AUTOTUNE)

    return strategy.distribute_datasets_from_function(of_worker)


def _part(
    batch: tuple[Any, ...], number: tf.Tensor, parts: int
) -> tuple[tuple[Any, ...], tf.Tensor]:
    """Returns one part of a batch, and the weight of its slices."""
    size = tf.shape(tf.nest.flatten(batch)[0], tf.int64)[0]
    share, more = size // parts, size % parts
    start = number * share + tf.minimum(number, more)
    count = share + tf.cast(number < more, tf.int64)
    is_empty = count == 0
    start = tf.where(is_empty, tf.zeros_like(start), start)
    end = tf.where(is_empty, tf.ones_like(start), start + count)
    weight = tf.fill((end - start,), tf.where(is_empty, 0.0, 1.0))
    return tf.nest.map_structure(lambda tensor: tensor[start:end], batch), weight
