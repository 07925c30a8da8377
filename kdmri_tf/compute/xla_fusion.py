"""Functions that work value by value on large tensors, in one pass over memory.

For every operation, TensorFlow writes an intermediate as large as the tensors to memory, in float32
whatever their dtype, and such functions spend their time waiting for memory. XLA makes one loop of
them.
"""

import functools
from collections.abc import Callable, Sequence

import tensorflow as tf


def fused(function: Callable[..., tf.Tensor]) -> Callable[..., tf.Tensor]:
    """Turns a function of tensors into one XLA computation on a CPU, and one for each gradient.

    Gradients compute the intermediates again instead of keeping them: reading the tensors twice
    costs less than writing one intermediate. Within a `tf.function`, gradients that nobody asks for
    are not computed.

    Args:
        function: takes tensors in float32 and returns one tensor.

    Returns:
        The function for tensors of any floating dtype, with each gradient in the dtype of its
        tensor; the same to rounding.

    Example:
        >>> @fused
        ... def distance(first, second):
        ...     return tf.reduce_sum(tf.square(first - second))
        >>> distance(tf.constant([1.0, 5.0]), tf.constant([1.0, 2.0])).numpy().item()
        9.0
    """

    def value(tensors: Sequence[tf.Tensor]) -> tf.Tensor:
        return function(*(tf.cast(tensor, tf.float32) for tensor in tensors))

    def gradient_of(index: int) -> Callable[..., tf.Tensor]:
        def gradient(tensors: Sequence[tf.Tensor], upstream: tf.Tensor) -> tf.Tensor:
            with tf.GradientTape() as tape:
                tape.watch(tensors[index])
                result = value(tensors)
            return tape.gradient(result, tensors[index], output_gradients=upstream)

        return gradient

    @functools.cache
    def compiled(index: int | None = None) -> Callable[..., tf.Tensor]:
        python_function = value if index is None else gradient_of(index)
        # Not on a GPU, where XLA has needs of its own and this was never measured.
        by_xla = not tf.config.list_physical_devices("GPU")
        return tf.function(python_function, jit_compile=by_xla, autograph=False)

    @functools.wraps(function)
    @tf.custom_gradient
    def fused_function(*tensors: tf.Tensor) -> tuple[tf.Tensor, Callable[..., list[tf.Tensor]]]:
        def gradients(upstream: tf.Tensor) -> list[tf.Tensor]:
            return [compiled(index)(tensors, upstream) for index in range(len(tensors))]

        return compiled()(tensors), gradients

    return fused_function
