"""What losses compare: images of one shape, whoever computed them."""

from typing import Any

import tensorflow as tf

from kdmri_tf.errors import InputError
from kdmri_tf.networks.image_shape import as_images
from kdmri_tf.physics.real_numbers import check_real


def target_images(target: tf.Tensor) -> tf.Tensor:
    """Returns the target of a batch as float32 `(batch, H, W, 1)`, or 2 where it is complex.

    Args:
        target: `(batch, H, W, 1)`, `(batch, H, W)` or, with real and imaginary part,
            `(batch, H, W, 2)`, of any real dtype; its rank may be unknown, if it is not complex.

    Raises:
        InputError: a target of another shape, or of complex numbers.
    """
    target = as_images(target, "target")
    if target.shape.rank != 4 or target.shape[-1] not in (1, 2, None):
        raise InputError(
            "The target must be images (batch, H, W, 1) or (batch, H, W), or complex images "
            f"(batch, H, W, 2); got shape {target.shape}."
        )
    return target


def like_target(image: Any, target: tf.Tensor, whose: str) -> tf.Tensor:
    """Returns the image in float32, if it is one that can be compared with the target.

    Shapes that would broadcast, such as `(batch, H, W)`, other channels or 1 x 1 pixels, are
    refused: by their static shape where it is known, else when the graph runs.

    Args:
        image: what a network or a cache gave.
        target: float32 `(batch, H, W, 1)` or `(batch, H, W, 2)`.
        whose: who gave it, for messages, such as "student".

    Raises:
        InputError: no tensor, or one of another shape or of complex numbers.
    """
    if not tf.is_tensor(image):
        raise InputError(
            f"The {whose} must give one image like the target, {target.shape}, but gives a "
            f"{type(image).__name__}."
        )
    check_real(image, f"The image of the {whose}")
    image, target = tf.cast(image, tf.float32), tf.convert_to_tensor(target)
    refusal = f"The {whose} must give images shaped like the target"
    shape = image.shape
    channels = (1, 2, None)
    if shape.rank is not None and (
        shape.rank != 4 or shape[-1] not in channels or not shape.is_compatible_with(target.shape)
    ):
        raise InputError(f"{refusal}, {target.shape}; got {shape}.")
    if shape.is_fully_defined() and target.shape.is_fully_defined():
        return image
    checks = []
    if shape.rank is None:
        checks = [tf.debugging.assert_rank(image, 4, message=f"{refusal}.")]
    with tf.control_dependencies(checks):
        same = tf.debugging.assert_equal(tf.shape(image), tf.shape(target), message=f"{refusal}.")
    with tf.control_dependencies([] if same is None else [same]):
        return tf.ensure_shape(image, target.shape)


def image_and_features(output: Any, whose: str) -> tuple[Any, Any]:
    """Returns the pair that `model(inputs, return_features=True)` has to be.

    Raises:
        InputError: it is no pair, or an activation is complex.
    """
    if not isinstance(output, tuple | list) or len(output) != 2:
        raise InputError(
            f"The {whose}, called with return_features=True, must give the pair (image, list of "
            f"activations), but gives a {type(output).__name__}."
        )
    for activation in tf.nest.flatten(output[1]):
        check_real(activation, f"An activation of the {whose}")
    return output[0], output[1]
