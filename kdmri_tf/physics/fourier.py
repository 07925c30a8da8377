"""Images to k-space and back, in TensorFlow.

One convention everywhere: two-dimensional FFT over height and width, **ortho** normalised
(1/sqrt(H W) both ways, so it is unitary), **unshifted** (zero frequency at [0, 0]). k-space crosses
Python functions, data sets, losses and files as float32 with the last axis (real, imaginary), since
Keras losses, mixed precision and serving clients mishandle complex types.
"""

import numpy as np
import tensorflow as tf

from kdmri_tf.physics.real_numbers import check_real


def complex_fft2(image: tf.Tensor) -> tf.Tensor:
    """Computes the unitary, unshifted FFT F of complex64 `(batch, H, W)`."""
    return tf.signal.fft2d(image) / _unitary_factor(image)


def complex_ifft2(kspace: tf.Tensor) -> tf.Tensor:
    """Computes F^-1 of complex64 `(batch, H, W)`: inverse and adjoint of `complex_fft2`."""
    return tf.signal.ifft2d(kspace) * _unitary_factor(kspace)


def image_to_kspace(image: tf.Tensor) -> tf.Tensor:
    """Computes the k-space F x of real images x.

    Args:
        image: float32 `(batch, H, W, 1)`.

    Returns:
        float32 `(batch, H, W, 2)`: (real, imaginary), unshifted, ortho normalised.

    Example:
        >>> image_to_kspace(tf.ones((1, 2, 2, 1)))[0, ..., 0].numpy().tolist()
        [[2.0, 0.0], [0.0, 0.0]]
    """
    check_real(image, "image")
    image = tf.cast(image, tf.float32)[..., 0]
    return to_channels(complex_fft2(real_to_complex(image)))


def kspace_to_magnitude(kspace: tf.Tensor) -> tf.Tensor:
    """Computes the magnitude image |F^-1 y|; of masked k-space, the zero-filled reconstruction.

    Args:
        kspace: float32 `(batch, H, W, 2)`, unshifted, ortho normalised.

    Returns:
        float32 `(batch, H, W, 1)`.
    """
    return tf.abs(complex_ifft2(to_complex(kspace)))[..., tf.newaxis]


def kspace_to_image(kspace: tf.Tensor) -> tf.Tensor:
    """Computes the complex images F^-1 y.

    Args:
        kspace: float32 `(..., H, W, 2)`, unshifted, ortho normalised.

    Returns:
        float32 of the same shape: (real, imaginary).
    """
    return to_channels(complex_ifft2(to_complex(kspace)))


def to_complex(channels: tf.Tensor) -> tf.Tensor:
    """Turns float32 `(..., 2)` (real, imaginary) into complex64 `(...)`."""
    check_real(channels, "What has its real and imaginary part as the last axis")
    channels = tf.cast(channels, tf.float32)
    return tf.complex(channels[..., 0], channels[..., 1])


def real_to_complex(values: tf.Tensor) -> tf.Tensor:
    """Turns float32 into complex64 of the same shape, imaginary part 0."""
    # Not tf.cast: its gradient warns about the imaginary part that it rightly drops.
    return tf.complex(values, tf.zeros_like(values))


def to_channels(values: tf.Tensor) -> tf.Tensor:
    """Turns complex64 `(...)` into float32 `(..., 2)` (real, imaginary)."""
    return tf.stack([tf.math.real(values), tf.math.imag(values)], axis=-1)


def circulant(column: tf.Tensor) -> tf.Tensor:
    """Builds symmetric circulant matrices c(i - j) from their first columns c, c(n) = c(-n).

    c repeated without end, cut into rows of N - 1 values, begins one value earlier in every row.

    Args:
        column: `(batch, N)`.

    Returns:
        `(batch, N, N)`.

    Example:
        >>> circulant(tf.constant([[0.0, 1.0, 2.0, 1.0]]))[0].numpy().astype(int).tolist()
        [[0, 1, 2, 1], [1, 0, 1, 2], [2, 1, 0, 1], [1, 2, 1, 0]]
    """
    length = column.shape[-1] or tf.shape(column)[-1]
    repeated = tf.tile(column, [1, length])[:, : length * (length - 1)]
    rows = tf.reshape(repeated, (-1, length, length - 1))
    return tf.concat([rows, tf.reverse(column, axis=[1])[..., tf.newaxis]], axis=2)


def dft_matrix(length: int | tf.Tensor, zero: int | tf.Tensor = 0) -> list[tf.Tensor]:
    """Returns cos(2 pi j k / N) and sin(2 pi j k / N) for j and k from 0 to N - 1.

    Only N values are computed; the product of the indices wraps exactly, a large angle would not.

    Args:
        length: N.
        zero: 0, or a tensor that is 0: converters store N x N values that depend on nothing.
            Ignored where N is a tensor, so that a runtime that learns the size can prepare the
            matrices.

    Returns:
        Two float32 matrices `(N, N)`.
    """
    index = tf.range(length)
    if isinstance(length, int):  # constants of a graph, for runtimes without float64
        angles = 2 * np.pi * np.arange(length) / length
        values = [np.cos(angles), np.sin(angles)]
    else:
        values, zero = _cosines_and_sines(index, length), 0
    wrapped = (index + zero)[:, tf.newaxis] * index % length
    return [tf.gather(tf.cast(value, tf.float32), wrapped) for value in values]


def _cosines_and_sines(index: tf.Tensor, length: tf.Tensor) -> list[tf.Tensor]:
    """Computes them of 2 pi index / length to the rounding of float32: runtimes lack float64.

    An angle is q quarters of a turn and the rest, at most an eighth either way, by integers.
    """
    quarters = (8 * index + length) // (2 * length)
    rest = tf.cast(4 * index - quarters * length, tf.float32) / tf.cast(length, tf.float32)
    cosine, sine = tf.cos(np.pi / 2 * rest), tf.sin(np.pi / 2 * rest)
    turned = tf.stack([cosine, -sine, -cosine, sine], axis=1)
    return [
        tf.reduce_sum(turned * tf.one_hot((quarters + ahead) % 4, 4), axis=1) for ahead in (0, 3)
    ]


def _unitary_factor(values: tf.Tensor) -> tf.Tensor:
    shape = tf.shape(values)
    pixels = tf.cast(shape[-2] * shape[-1], tf.float32)
    return tf.cast(tf.sqrt(pixels), tf.complex64)
