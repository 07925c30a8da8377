"""The last convolution of a block, with gradients that are faster than TensorFlow's own."""

import tensorflow as tf


@tf.custom_gradient
def convolve_to_one_channel(activation, kernel):
    """A 3x3 convolution to one channel, stride 1 and same padding.

    For an activation a of pixels p, a kernel k of places s (-1 .. 1 along both axes) and the
    gradient g of the output, both of its gradients are written as what oneDNN does faster on a CPU
    than the gradients of a convolution to one channel (RESULTS.md has the measurement), the same to
    rounding::

        y(p)     = sum over s of k(s) . a(p + s)
        dL/da(p) = sum over s of k(s) g(p - s)      a convolution of g with the turned kernel
        dL/dk(s) = sum over p of a(p) g(p - s)      turned: the kernel's gradient of a convolution
                                                    of g to the channels of a, where it has a

    Args:
        activation: `(batch, H, W, channels)`.
        kernel: `(3, 3, channels, 1)`, of the same dtype.

    Returns:
        `(batch, H, W, 1)`.
    """

    def gradients(output_gradient):
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


def _turn(kernel):
    """The kernel turned by 180 degrees, its input and output channels exchanged."""
    return tf.transpose(tf.reverse(kernel, [0, 1]), (0, 1, 3, 2))
