"""How much of a student-friendly teacher's gradient its own imitation term takes away."""

import tensorflow as tf


def cancelled_share(
    target: tf.Tensor,
    image: tf.Tensor,
    branches: tf.Tensor,
    reconstruction_weight: float | tf.Tensor,
    imitation_weight: float | tf.Tensor,
) -> tf.Tensor:
    """Computes the share of pixels of x_T that learn nothing from the target.

    There the imitation term takes away all that the target gives. The terms' gradients with respect
    to a pixel of x_T are, but for a common factor, the signs in::

        reconstruction_weight * sign(x_T - x) + imitation_weight * mean over i of sign(x_T - x_Si)

    (the branches themselves held fixed). Counted are pixels where this is 0 and x_T is not x.

    Args:
        target: x, `(batch, H, W, 1)`.
        image: x_T, the same.
        branches: all x_Si, `(batch, n - 1, H, W, 1)`.
        reconstruction_weight: weight of mean |x - x_T|.
        imitation_weight: weight of mean |x_T - x_Si|.

    Returns:
        Scalar, 0 to 1.
    """
    from_target = tf.sign(image - target)
    from_branches = tf.reduce_sum(tf.sign(image[:, tf.newaxis] - branches), axis=1)
    # Times the number of branches, as sums of signs are exact and their means are not.
    pull = reconstruction_weight * from_target * tf.cast(tf.shape(branches)[1], image.dtype)
    is_cancelled = (pull + imitation_weight * from_branches == 0) & (from_target != 0)
    return tf.reduce_mean(tf.cast(is_cancelled, tf.float32))
