"""The noise of receiver coils: complex, Gaussian, white in k-space, alike in neighbouring coils."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from kdmri_tf.physics.fourier import real_to_complex


def receiver_noise(
    coils: int, image_size: Sequence[int], seed: tf.Tensor, correlation: float = 0.0
) -> tf.Tensor:
    """Draws complex Gaussian noise whose real and imaginary parts have variance 1 in every coil.

    The covariance of coils i and j, of both parts alike, is `correlation` to the power of the steps
    between them on a ring of all coils: min(|i - j|, coils - |i - j|).

    Args:
        coils: number of coils.
        image_size: (H, W).
        seed: int32 `(2,)`; the same gives the same.
        correlation: of neighbours, from 0 to below 1; a number or a scalar tensor.

    Returns:
        complex64 `(coils, H, W)`.

    Example:
        >>> noise = receiver_noise(2, (64, 64), seed=(0, 1), correlation=0.5)
        >>> tuple(noise.shape), round(float(tf.math.reduce_std(tf.math.real(noise))), 1)
        ((2, 64, 64), 1.0)
    """
    apart = np.abs(np.subtract.outer(np.arange(coils), np.arange(coils)))
    steps = np.minimum(apart, coils - apart).astype(np.float32)
    mixed = tf.linalg.cholesky(tf.cast(correlation, tf.float32) ** steps)
    white = tf.random.stateless_normal((2, coils, int(np.prod(image_size))), seed)
    noise = tf.reshape(
        real_to_complex(mixed) @ tf.complex(white[0], white[1]), (coils, *image_size)
    )
    return noise
