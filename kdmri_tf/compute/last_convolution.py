"""The last convolution of a block, with gradients that are faster than TensorFlow's own."""

from collections.abc import Callable

import tensorflow as tf


@tf.custom_gradient
def convolve_to_image(
    activation: tf.Tensor, kernel: tf.Tensor
) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]]:
    """Computes a 3x3 convolution to one or two channels, with stride 1 and same padding.

    Let a(p) be the activation at pixel p, k(s) the kernel at place s (-1 .. 1 along both axes) and
    g the gradient of the output. Both gradients are written as operations that oneDNN computes
    faster on a CPU than the gradients of a convolution to one channel (RESULTS.md has the
    measurement); the results are the same to rounding::

        y(p)     = sum over s of k(s) . a(p + s)
        dL/da(p) = sum over s of k(s) g(p - s)      a convolution of g with the turned kernel
        dL/dk(s) = sum over p of a(p) g(p - s)      turned: the kernel's gradient of a convolution
                                                    of g to the channels of a, where it has a

    Args:
        activation: `(batch, H, W, channels)`, of any floating dtype.
        kernel: `(3, 3, channels, 1)`, or `(3, 3, channels, 2)`, of the same dtype.

    Returns:
        `(batch, H, W, 1)`, or 2; the decorator takes the gradients away.

    Example:
        >>> image = convolve_to_image(tf.ones((1, 4, 4, 2)), tf.ones((3, 3, 2, 1)))
        >>> image[0, :, :, 0].numpy().astype(int).tolist()
        [[8, 12, 12, 8], [12, 18, 18, 12], [12, 18, 18, 12], [8, 12, 12, 8]]
    """

    def gradients(output_gradient: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        turned = _turn(kernel)
        for_kernel = tf.raw_ops.Conv2DBackpropFilter(
            input=output_gradient,
            filter_sizes=turned.shape,
            out_backprop=activation,
            strides=[1, 1, 1, 1],
            padding="SAME",
        )
        return tf.nn.conv2d(output_gradient, turned, 1, "SAME"), _turn(for_kernel)

    return tf.nn.conv2d(activation, kernel, 1, "SAME"), gradients


def _turn(kernel: tf.Tensor) -> tf.Tensor:
    """Returns the kernel turned by 180 degrees, with input and output channels swapped."""
    return tf.transpose(tf.reverse(kernel, [0, 1]), (0, 1, 3, 2))
