"""Smaller images of the same body: details as fine, in pixels, as scanners' raw data have them."""

import tensorflow as tf

LARGEST_ZOOM = 1.6


def random_zoom(image: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Shrinks an image by a factor from 1 to 1.6 and surrounds it with zeros.

    An `augment` of `load_data`. Stored images are often interpolated: their finest details are
    several pixels wide, and a network that has seen nothing else blurs the raw data of a scanner.
    The image is shrunk by cropping its k-space, as if it had been measured with larger voxels::

        output = |F^-1 crop F image|, padded to its former size, divided by its maximum

    Args:
        image: magnitudes, float32 `(H, W, 1)`.
        seed: int32 `(2,)`; the same gives the same.

    Returns:
        Tensor like `image`, with maximum 1, or 0 of a blank image.

    Example:
        >>> import tensorflow as tf
        >>> from kdmri_tf import random_zoom
        >>> zoomed = random_zoom(tf.ones((32, 24, 1)), seed=(0, 1))[..., 0]
        >>> tuple(zoomed.shape), round(float(zoomed[16, 12]), 3), float(zoomed[0, 0])
        ((32, 24), 1.0, 0.0)
    """
    size = tf.shape(image)[:2]
    factor = tf.random.stateless_uniform((), seed, 1.0, LARGEST_ZOOM)
    smaller = tf.cast(tf.round(tf.cast(size, tf.float32) / factor), tf.int32)
    spectrum = tf.signal.fftshift(tf.signal.fft2d(tf.cast(image[..., 0], tf.complex64)))
    cropped = tf.slice(spectrum, size // 2 - smaller // 2, smaller)
    shrunk = tf.abs(tf.signal.ifft2d(tf.signal.ifftshift(cropped)))
    before = (size - smaller) // 2
    padded = tf.pad(shrunk, tf.stack([before, size - smaller - before], axis=1))
    padded = tf.math.divide_no_nan(padded, tf.reduce_max(padded))
    return tf.ensure_shape(padded[..., tf.newaxis], image.shape)
