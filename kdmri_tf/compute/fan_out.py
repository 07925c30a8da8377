"""Sums of gradients in one order: where a tensor is used three times or more.

TensorFlow adds the gradients of all uses of a tensor by one operation, AddN, whose kernel on a CPU
begins with whichever of them lies in memory that happens to be free. Two numbers can be added in
any order; three cannot, so that trainings ended with other weights from run to run, by rounding.
Sums written one after the other do not help, as TensorFlow's graph optimizer makes AddN of them.
"""

from collections.abc import Callable, Sequence

import tensorflow as tf


def ordered_sum(values: Sequence[tf.Tensor]) -> tf.Tensor:
    """Adds tensors of one shape, always in the order of the sequence.

    Args:
        values: at least one.

    Example:
        >>> ordered_sum([tf.constant(1.0), tf.constant(2.0), tf.constant(3.0)]).numpy().item()
        6.0
    """
    return tf.reduce_sum(tf.stack(values), axis=0)


def fan_out(tensor: tf.Tensor, uses: int) -> list[tf.Tensor]:
    """Returns the tensor once for each of its uses, whose gradients are added in that order.

    Args:
        tensor: of any floating dtype.
        uses: how many; each of them takes another element of what is returned.

    Example:
        >>> x = tf.Variable([1.0, 2.0])
        >>> with tf.GradientTape() as tape:
        ...     first, second, third = fan_out(x + 0, 3)
        ...     y = tf.reduce_sum(first * 2 + second * third)
        >>> tape.gradient(y, x).numpy().tolist()
        [4.0, 6.0]
    """

    @tf.custom_gradient
    def copies(tensor: tf.Tensor) -> tuple[list[tf.Tensor], Callable[..., tf.Tensor]]:
        uses_of_it = [tf.identity(tensor) for _ in range(uses)]
        return uses_of_it, lambda *upstream: ordered_sum(upstream)

    return copies(tensor)
