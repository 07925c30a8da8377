"""Functions of large tensors in one pass over memory, for what is done value by value.

For every operation TensorFlow writes an intermediate of the tensors' size to memory, in float32
whatever the tensors are, and memory is what such a function waits for. XLA makes one loop of all.
"""

import functools

import tensorflow as tf


def fused(function):
    """Decorates a function of tensors: one XLA computation, and one more for each gradient.

    The function is given its tensors in float32, and gives one tensor. Gradients compute its
    intermediates again rather than keep them: reading the tensors twice costs less than writing
    one intermediate. Those that nobody asks for are not computed within a `tf.function`.

    Returns:
        The function for tensors of any floating dtype, each gradient in the dtype of its tensor.
        The same to rounding. There are no gradients of its gradients.
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

    def compiled(python_function):
        return tf.function(python_function, jit_compile=True, autograph=False)

    compiled_value = compiled(value)
    compiled_gradient = functools.cache(lambda index: compiled(gradient_of(index)))

    @functools.wraps(function)
    @tf.custom_gradient
    def fused_function(*tensors):
        def gradients(upstream):
            return [compiled_gradient(index)(tensors, upstream) for index in range(len(tensors))]

        return compiled_value(tensors), gradients

    return fused_function
