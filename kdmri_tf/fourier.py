"""Images to k-space and back, in TensorFlow.

One convention everywhere: two-dimensional FFT over height and width, **ortho** normalised
(1/sqrt(H W) both ways, so it is unitary), **unshifted** (zero frequency at [0, 0]). k-space crosses
Python functions, data sets, losses and files as float32 with the last axis (real, imaginary), since
Keras losses, mixed precision and serving clients mishandle complex types.
"""

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
    # Not tf.cast: its gradient warns about the imaginary part that it rightly drops.
    return to_channels(complex_fft2(tf.complex(image, tf.zeros_like(image))))


def kspace_to_magnitude(kspace):
    """Magnitude image |F^-1 y|; of masked k-space, the zero-filled reconstruction.

    Args:
        kspace: float32 `(batch, H, W, 2)`, unshifted, ortho normalised.

    Returns:
        float32 `(batch, H, W, 1)`.
    """
    return tf.abs(complex_ifft2(to_complex(kspace)))[..., tf.newaxis]


def kspace_to_real(kspace):
    """Real part Re F^-1 y of the image; shapes as in `kspace_to_magnitude`."""
    return tf.math.real(complex_ifft2(to_complex(kspace)))[..., tf.newaxis]


def to_complex(channels):
    """float32 `(..., 2)` (real, imaginary) to complex64 `(...)`."""
    channels = tf.cast(channels, tf.float32)
    return tf.complex(channels[..., 0], channels[..., 1])


def to_channels(values):
    """complex64 `(...)` to float32 `(..., 2)` (real, imaginary)."""
    return tf.stack([tf.math.real(values), tf.math.imag(values)], axis=-1)


def _unitary_factor(values):
    shape = tf.shape(values)
    pixels = tf.cast(shape[-2] * shape[-1], tf.float32)
    return tf.cast(tf.sqrt(pixels), tf.complex64)
