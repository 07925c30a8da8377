"""Images to k-space and back, in TensorFlow.

One convention everywhere: two-dimensional FFT over height and width, **ortho** normalised
(1/sqrt(H W) both ways, so it is unitary), **unshifted** (zero frequency at [0, 0]). k-space crosses
Python functions, data sets, losses and files as float32 with the last axis (real, imaginary), since
Keras losses, mixed precision and serving clients mishandle complex types.
"""

import numpy as np
import tensorflow as tf


def complex_fft2(image):
    """Unitary, unshifted FFT F of complex64 `(batch, H, W)`."""
    return tf.signal.fft2d(image) / _unitary_factor(image)


def complex_ifft2(kspace):
    """Inverse (and adjoint) of `complex_fft2`: F^-1 of complex64 `(batch, H, W)`."""
    return tf.signal.ifft2d(kspace) * _unitary_factor(kspace)


def image_to_kspace(image):
    """k-space F x of real images x.

    Args:
        image: float32 `(batch, H, W, 1)`.

    Returns:
        float32 `(batch, H, W, 2)`: (real, imaginary), unshifted, ortho normalised.
    """
    image = tf.cast(image, tf.float32)[..., 0]
    return to_channels(complex_fft2(real_to_complex(image)))


def kspace_to_magnitude(kspace):
    """Magnitude image |F^-1 y|; of masked k-space, the zero-filled reconstruction.

    Args:
        kspace: float32 `(batch, H, W, 2)`, unshifted, ortho normalised.

    Returns:
        float32 `(batch, H, W, 1)`.
    """
    return tf.abs(complex_ifft2(to_complex(kspace)))[..., tf.newaxis]


def to_complex(channels):
    """float32 `(..., 2)` (real, imaginary) to complex64 `(...)`."""
    channels = tf.cast(channels, tf.float32)
    return tf.complex(channels[..., 0], channels[..., 1])


def real_to_complex(values):
    """float32 to complex64 of the same shape, imaginary part 0."""
    # Not tf.cast: its gradient warns about the imaginary part that it rightly drops.
    return tf.complex(values, tf.zeros_like(values))


def to_channels(values):
    """complex64 `(...)` to float32 `(..., 2)` (real, imaginary)."""
    return tf.stack([tf.math.real(values), tf.math.imag(values)], axis=-1)


def circulant(column):
    """Symmetric circulant matrices: `(batch, N)` c with c(n) = c(-n) to `(batch, N, N)` c(i - j).

    c repeated without end, cut into rows of N - 1 values, begins one value earlier in every row.
    """
    length = column.shape[-1] or tf.shape(column)[-1]
    repeated = tf.tile(column, [1, length])[:, : length * (length - 1)]
    rows = tf.reshape(repeated, (-1, length, length - 1))
    return tf.concat([rows, tf.reverse(column, axis=[1])[..., tf.newaxis]], axis=2)


def dft_matrix(length, zero=0):
    """cos(2 pi j k / N) and sin(2 pi j k / N) for j and k from 0 to N - 1, float32 `(N, N)` each.

    N values are computed; the product of the indices wraps exactly, a large angle would not.

    Args:
        length: N.
        zero: 0, or a tensor that is; converters store N x N values that depend on nothing. Ignored
            where N is a tensor, so that a runtime that learns the size can prepare the matrices.
    """
    index = tf.range(length)
    if isinstance(length, int):  # constants of a graph, for runtimes without float64
        angles = 2 * np.pi * np.arange(length) / length
        values = np.cos(angles), np.sin(angles)
    else:
        values, zero = _cosines_and_sines(index, length), 0
    wrapped = (index + zero)[:, tf.newaxis] * index % length
    return [tf.gather(tf.cast(value, tf.float32), wrapped) for value in values]


def _cosines_and_sines(index, length):
    """Of 2 pi index / length, in float32 to its rounding: runtimes have no float64 for angles.

    An angle is q quarters of a turn and the rest, at most an eighth either way, by integers.
    """
    quarters = (8 * index + length) // (2 * length)
    rest = tf.cast(4 * index - quarters * length, tf.float32) / tf.cast(length, tf.float32)
    cosine, sine = tf.cos(np.pi / 2 * rest), tf.sin(np.pi / 2 * rest)
    turned = tf.stack([cosine, -sine, -cosine, sine], axis=1)
    return [
        tf.reduce_sum(turned * tf.one_hot((quarters + ahead) % 4, 4), axis=1) for ahead in (0, 3)
    ]


def _unitary_factor(values):
    shape = tf.shape(values)
    pixels = tf.cast(shape[-2] * shape[-1], tf.float32)
    return tf.cast(tf.sqrt(pixels), tf.complex64)
