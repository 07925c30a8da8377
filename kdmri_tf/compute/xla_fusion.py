"""Functions of large tensors in one pass over memory, for what is done value by value.

For every operation TensorFlow writes an intermediate of the tensors' size to memory, in float32
whatever the tensors are, and memory is what such a function waits for. XLA makes one loop of all.
"""

import functools

import tensorflow as tf


def fused(function):
    """Decorates a function of tensors: on a CPU one XLA computation, and one for each gradient.

    The function is given its tensors in float32, and gives one tensor. Gradients compute its
    intermediates again rather than keep them: reading the tensors twice costs less than writing
    one intermediate. Those that nobody asks for are not computed within a `tf.function`.

    Returns:
        The function for tensors of any floating dtype, each gradient in the dtype of its tensor.
        The same to rounding.
    """

    def value(tensors):
        return function(*(tf.cast(tensor, tf.float32) for tensor in tensors))

    def gradient_of(index):
        def gradient(tensors, upstream):
            with tf.GradientTape() as tape:
                tape.watch(tensors[index])
                result = value(tensors)
            return tape.gradient(result, tensors[index], output_gradients=upstream)

        return gradient

    @functools.cache
    def compiled(index=None):
        python_function = value if index is None else gradient_of(index)
        # On a GPU XLA has needs of its own, and nobody has measured this there.
        by_xla = not tf.config.list_physical_devices("GPU")
        return tf.function(python_function, jit_compile=by_xla, autograph=False)

    @functools.wraps(function)
    @tf.custom_gradient
    def fused_function(*tensors):
        def gradients(upstream):
            return [compiled(index)(tensors, upstream) for index in range(len(tensors))]

        return compiled()(tensors), gradients

    return fused_function
