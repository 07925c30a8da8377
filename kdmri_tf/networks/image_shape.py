"""Images as users give them, in the one shape that everything here computes with."""

import tensorflow as tf


def as_images(images: tf.Tensor) -> tf.Tensor:
    """Returns images in float32, `(batch, H, W)` as `(batch, H, W, 1)`; other shapes stay.

    Args:
        images: of any dtype. Where the rank is unknown, as behind `tf.numpy_function`, they must
            have one of these two shapes, or TensorFlow's error says so when the graph runs.
    """
    images = tf.cast(images, tf.float32)
    if images.shape.rank is None:
        shape = tf.concat([tf.shape(images)[:3], [1]], axis=0)
        return tf.ensure_shape(tf.reshape(images, shape), (None, None, None, 1))
    return images[..., tf.newaxis] if images.shape.rank == 3 else images
