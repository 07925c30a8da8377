"""The same body at another place in the field of view."""

import tensorflow as tf

LARGEST_SHIFT = 1 / 8  # of height and width


def random_shifts(image: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Shifts an image along both axes by up to an eighth of its size, in whole pixels.

    An `augment` of `load_data` and `load_super_resolution`. What leaves the image at one side comes
    back at the other, as in an undersampled field of view: k-space keeps its magnitudes and gets a
    phase::

        F output = exp(-2 pi i (k_y dy / H + k_x dx / W)) F image

    Args:
        image: `(..., H, W, C)`; all images of a batch are shifted alike.
        seed: int32 `(2,)`; the same gives the same.

    Returns:
        Tensor like `image`.

    Example:
        >>> import tensorflow as tf
        >>> from kdmri_tf import random_shifts
        >>> image = tf.reshape(tf.range(256.0), (16, 16, 1))
        >>> shifted = random_shifts(image, seed=(0, 1))
        >>> tuple(shifted.shape), float(tf.reduce_sum(shifted)) == float(tf.reduce_sum(image))
        ((16, 16, 1), True)
    """
    size = tf.cast(tf.shape(image)[-3:-1], tf.float32)
    most = tf.floor(size * LARGEST_SHIFT)
    drawn = tf.random.stateless_uniform((2,), seed, -1.0, 1.0)
    # Each shift from -most to most is as likely as any other.
    pixels = tf.floor((drawn + 1) / 2 * (2 * most + 1)) - most
    return tf.roll(image, tf.cast(pixels, tf.int32), axis=(-3, -2))
