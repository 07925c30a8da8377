"""Pixels to channels and back: what halves the size of images that a network works on."""

import tensorflow as tf


def pixel_unshuffle(images: tf.Tensor, factor: int) -> tf.Tensor:
    """Puts every square of factor x factor pixels into one pixel with as many more channels.

    Where a size is no multiple of the factor, the image is mirrored at its lower and right edge.

    Args:
        images: `(batch, H, W, C)`, H and W at least the factor.
        factor: r, at least 1.

    Returns:
        `(batch, ceil(H / r), ceil(W / r), C r^2)`: channels by row and column in the square, then
        by channel of the image.

    Example:
        >>> image = tf.reshape(tf.range(12.0), (1, 3, 4, 1))
        >>> pixel_unshuffle(image, 2)[0, 0].numpy().astype(int).tolist()
        [[0, 1, 4, 5], [2, 3, 6, 7]]
    """
    return images if factor == 1 else tf.nn.space_to_depth(_padded(images, factor), factor)


def pixel_average(images: tf.Tensor, factor: int) -> tf.Tensor:
    """Averages every square of factor x factor pixels, mirrored at the edges as `pixel_unshuffle`.

    Args:
        images: `(batch, H, W, C)`, of any floating dtype.
        factor: r, at least 1.

    Returns:
        `(batch, ceil(H / r), ceil(W / r), C)`.

    Example:
        >>> image = tf.reshape(tf.range(12.0), (1, 3, 4, 1))
        >>> pixel_average(image, 2)[0, :, :, 0].numpy().tolist()
        [[2.5, 4.5], [8.5, 10.5]]
    """
    if factor == 1:
        return images
    return tf.nn.avg_pool2d(_padded(images, factor), factor, factor, "VALID")


def pixel_shuffle(
    images: tf.Tensor, factor: int, size: tuple[int | tf.Tensor, int | tf.Tensor]
) -> tf.Tensor:
    """Undoes `pixel_unshuffle`.

    Args:
        images: `(batch, h, w, C r^2)`.
        factor: r.
        size: (H, W) of the images to come, from whose rows and columns at the end are cut off.

    Returns:
        `(batch, H, W, C)`.
    """
    if factor == 1:
        return images
    return tf.nn.depth_to_space(images, factor)[:, : size[0], : size[1]]


def _padded(images: tf.Tensor, factor: int) -> tf.Tensor:
    """Mirrors images at their lower and right edge, up to a multiple of the factor."""
    height, width, channels = images.shape[1:]
    is_known = height is not None and width is not None
    if is_known and height % factor == width % factor == 0:
        return images
    size = tf.shape(images)
    # Not -size % factor, of which ONNX makes a negative number.
    missing = [(factor - size[axis] % factor) % factor for axis in (1, 2)]
    paddings = [[0, 0], [0, missing[0]], [0, missing[1]], [0, 0]]
    padded = tf.pad(images, paddings, mode="SYMMETRIC")
    if not is_known:
        return padded
    return tf.ensure_shape(
        padded, (None, height + -height % factor, width + -width % factor, channels)
    )
