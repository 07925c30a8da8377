"""The phase that tells tissues apart: fat, blood and water do not precess alike."""

import numpy as np
import tensorflow as tf

WAVES = 4  # of the random curve over brightness


def tissue_phase(image: tf.Tensor, seed: tf.Tensor, strength: float = 1.0) -> tf.Tensor:
    """Draws a phase that follows the brightness of an image, and so has the edges of its tissues.

    ::

        phi(r) = s sum over k of n_k sin(pi k m(r) / 2 M),    k = 1 .. 4,  n_k normal

    m is the magnitude and M its maximum. Chemical shift turns fat, flow turns blood, and both are
    brighter or darker than what is around them. Of raw brains, the phase that sensitivities from 24
    lines leave is not smooth: it lies in the scalp and in large vessels.

    Args:
        image: magnitude, float32 `(H, W)`.
        seed: int32 `(2,)`; the same gives the same.
        strength: s, in radians; a number or a scalar tensor.

    Returns:
        float32 `(H, W)`, in radians, not wrapped; 0 where the image is 0.

    Source: none; see `random_phase` for the smooth part.

    Example:
        >>> image = tf.constant([[0.0, 0.5], [0.5, 1.0]])
        >>> phase = tissue_phase(image, seed=(0, 1))
        >>> float(phase[0, 0]), bool(phase[0, 1] == phase[1, 0])
        (0.0, True)
    """
    share = tf.math.divide_no_nan(image, tf.reduce_max(image))
    numbers = tf.random.stateless_normal((WAVES,), seed)
    waves = tf.sin(share[..., tf.newaxis] * np.pi / 2 * np.arange(1.0, WAVES + 1))
    return strength * tf.reduce_sum(numbers * tf.cast(waves, tf.float32), axis=-1)
