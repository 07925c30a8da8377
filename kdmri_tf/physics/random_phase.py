"""The phase of an image as scanners have it: smooth, and another one in every scan."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

# Standard deviations at strength 1, in radians; positions run from -1 to 1 along the shorter side.
LINEAR = 2.5  # an echo that lies up to a few samples off the centre of k-space
QUADRATIC = 0.8
FIELD = 1.0  # of the main field and of the transmitter
# The field has up to this many cycles along the shorter side; its spectrum falls as a power.
CYCLES = 12
DECAY = 1.8


def random_phase(image_size: Sequence[int], seed: tf.Tensor, strength: float = 1.0) -> tf.Tensor:
    """Draws a smooth phase: a polynomial of second order and a band-limited random field.

    ::

        phi(y, x) = c + l . r + r^T Q r + f(r),    r = (y, x)

    c is any angle. With s the strength, l, Q and f are normal: two numbers of 2.5 s rad, three of
    0.8 s rad, and a field of 1.0 s rad of at most 12 cycles along the shorter side, its amplitudes
    in proportion to 1 / (1 + n)^1.8 for n half cycles. r runs from -1 to 1 along the shorter side.

    Args:
        image_size: (H, W).
        seed: int32 `(2,)`; the same gives the same.
        strength: s, a number or a scalar tensor; 0 leaves c alone.

    Returns:
        float32 `(H, W)`, in radians, not wrapped.

    Source: none. The gradients of raw brains and hearts of three scanners are 2.7 to 6.4 rad (root
    mean square), as strengths from 0.5 to 1.5 give. Of brains, little of it is left after the phase
    at low resolution is taken out (24 lines, Hann window) but that of fat and vessels: see
    `tissue_phase`.

    Example:
        >>> phase = random_phase((64, 48), seed=(0, 1))
        >>> steps = abs(phase[1:] - phase[:-1])
        >>> tuple(phase.shape), bool(tf.reduce_max(steps) < np.pi / 2)
        ((64, 48), True)
    """
    of_polynomial, of_field = tf.unstack(tf.random.split(seed))
    y, x = centred_axes(image_size)
    y, x = y[:, np.newaxis], x[np.newaxis]
    numbers = tf.unstack(tf.random.stateless_normal((5,), of_polynomial))
    angle = tf.random.stateless_uniform((), tf.random.fold_in(of_polynomial, 1), 0, 2 * np.pi)
    linear = LINEAR * (numbers[0] * y + numbers[1] * x)
    quadratic = QUADRATIC * (numbers[2] * y**2 + numbers[3] * x**2 + numbers[4] * y * x)
    return angle + strength * (linear + quadratic + FIELD * _field(image_size, of_field))


def centred_axes(image_size: Sequence[int]) -> list[np.ndarray]:
    """Returns the positions of rows, float32 `(H,)`, and columns, `(W,)`: pixels are square.

    Example:
        >>> [axis.tolist() for axis in centred_axes((2, 4))]
        [[-0.5, 0.5], [-1.5, -0.5, 0.5, 1.5]]
    """
    half = min(image_size) / 2
    return [
        ((np.arange(length, dtype=np.float32) + 0.5) - length / 2) / np.float32(half)
        for length in image_size
    ]


def _field(image_size: Sequence[int], seed: tf.Tensor) -> tf.Tensor:
    """Draws the field, of unit variance: a Fourier series whose period is twice the shorter side.

    So that opposite edges differ, as those of a body do.
    """
    count = np.arange(-2 * CYCLES, 2 * CYCLES + 1, dtype=np.float32)  # half cycles
    amplitude = (1 + np.hypot(count[:, np.newaxis], count)) ** -DECAY
    amplitude[len(count) // 2, len(count) // 2] = 0  # a constant is no field
    amplitude /= np.sqrt(2 * np.sum(amplitude**2))
    normal = tf.random.stateless_normal((2, *amplitude.shape), seed) * amplitude.astype(np.float32)
    waves = [
        np.exp(0.5j * np.pi * axis[:, np.newaxis] * count).astype(np.complex64)
        for axis in centred_axes(image_size)
    ]
    series = tf.linalg.matmul(waves[0], tf.complex(*tf.unstack(normal)))
    return np.sqrt(2) * tf.math.real(tf.linalg.matmul(series, waves[1], transpose_b=True))
