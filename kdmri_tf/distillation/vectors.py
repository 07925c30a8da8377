"""Activations as vectors: what several feature losses need."""

import math
from collections.abc import Iterable

import tensorflow as tf
from keras import ops

from kdmri_tf.compute.fan_out import ordered_sum

# Below this a squared norm counts as zero, which keeps the gradient finite where maps are all zero
# or equal. Attention maps reach it when all activations are under 1e-8.
TINY = 1e-30


def mean_of(values: Iterable[tf.Tensor]) -> tf.Tensor:
    """Returns the mean of scalars, one per cascade."""
    values = list(values)
    return ordered_sum(values) / len(values)


def flat(tensor: tf.Tensor) -> tf.Tensor:
    """Reshapes `(batch, ...)` to `(batch, everything else)`."""
    _, *sizes = ops.shape(tensor)
    return ops.reshape(tensor, (-1, math.prod(sizes)))


def normalized(vectors: tf.Tensor) -> tf.Tensor:
    """Divides rows by their L2 norm; a row of zeros stays."""
    squared_norm = ops.sum(ops.square(vectors), axis=-1, keepdims=True)
    return vectors * ops.rsqrt(ops.maximum(squared_norm, TINY))


def distance(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """Computes the L2 distance of rows."""
    squared = ops.sum(ops.square(first - second), axis=-1)
    return ops.sqrt(ops.maximum(squared, TINY))
