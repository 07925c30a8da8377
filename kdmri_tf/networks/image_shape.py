"""Images and weights as users give them, in the one shape that everything here computes with."""

from typing import Any

import tensorflow as tf
from keras import ops

from kdmri_tf.physics.real_numbers import check_real


def as_images(images: tf.Tensor, name: str = "images") -> tf.Tensor:
    """Returns images in float32, `(batch, H, W)` as `(batch, H, W, 1)`; other shapes stay.

    Args:
        images: of any real dtype. Where the rank is unknown, as behind `tf.numpy_function`, they
            must have one of these two shapes, or TensorFlow's error says so when the graph runs.
        name: what they are, for the message.

    Raises:
        InputError: complex numbers, which real and imaginary part, `(batch, H, W, 2)`, stand for.
    """
    images = tf.convert_to_tensor(images)
    check_real(images, name)
    images = tf.cast(images, tf.float32)
    if images.shape.rank is None:
        shape = tf.concat([tf.shape(images)[:3], [1]], axis=0)
        return tf.ensure_shape(tf.reshape(images, shape), (None, None, None, 1))
    return images[..., tf.newaxis] if images.shape.rank == 3 else images


def as_weights(weights: tf.Tensor) -> tf.Tensor:
    """Returns weights of unknown rank as `(batch, H, W, 1)`, H and W being 1 for those of slices.

    Args:
        weights: `(batch,)`, `(batch, 1)`, `(batch, H, W)` or `(batch, H, W, 1)`; those of known
            rank stay as they are.
    """
    if weights.shape.rank is not None:
        return weights
    shape = tf.concat([tf.shape(weights), tf.ones(4, tf.int32)], axis=0)[:4]
    return tf.ensure_shape(tf.reshape(weights, shape), (None, None, None, 1))


def per_pixel(weights: Any) -> Any:
    """Returns weights that can be multiplied with images: Keras broadcasts `(batch,)` along W."""
    if weights is None:
        return None
    weights = ops.convert_to_tensor(weights)
    check_real(weights, "sample_weight")
    weights = as_weights(weights)
    return weights if len(weights.shape) > 2 else ops.reshape(weights, (-1, 1, 1, 1))
