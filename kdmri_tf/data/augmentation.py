"""What changes a training slice from pass to pass: augmentation and random masks."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from kdmri_tf.errors import InputError

CONTRAST_EXPONENTS = (0.7, 1.5)


@dataclass(frozen=True, eq=False)
class Variation:
    """How every training slice is changed, anew in every pass. As text: what does it.

    Attributes:
        augment: `(image (H, W, 1), seed int32 (2,)) -> image` in TensorFlow, or None.
        masks: float32 `(count, H, 1)` or `(count, 1, W)`, unshifted, to pick from; or None.
    """

    augment: Callable | None = None
    masks: np.ndarray | None = None

    def __call__(self, image, seed):
        """The changed slice {"image"}, with its "mask" where masks are random.

        The same seed gives the same.

        Args:
            image: float32 `(H, W, 1)`.
            seed: int32 `(2,)`.

        Returns:
            Dictionary of float32 tensors: image `(H, W, 1)` and mask `(H, W)`.
        """
        mask_seed, image_seed = tf.unstack(tf.random.split(seed))
        if self.augment is not None:
            image = tf.ensure_shape(self.augment(image, image_seed), image.shape)
        if self.masks is None:
            return {"image": image}
        index = tf.random.stateless_uniform((), mask_seed, maxval=len(self.masks), dtype=tf.int32)
        mask = tf.broadcast_to(tf.gather(self.masks, index), image.shape[:2])
        return {"image": image, "mask": mask}

    def __str__(self):
        parts = {"augmentation": self.augment, "random masks": self.masks}
        return " and ".join(name for name, part in parts.items() if part is not None)

    @property
    def augment_name(self):
        """The name of `augment`, all that a run folder can know of a function; or None.

        Raises:
            InputError: it has no name of its own, so that two could not be told apart.
        """
        if self.augment is None:
            return None
        name = getattr(self.augment, "__qualname__", None)
        if name is None or "<lambda>" in name:
            raise InputError(
                f"A run folder knows an augmentation by its name, and {self.augment!r} has none of "
                "its own: give a function that def defines."
            )
        return name


def random_flips(image, seed):
    """Turns an image over, up and down and left and right, each with probability 1/2.

    An `augment` of `load_data` and `load_super_resolution`.

    Args:
        image: `(..., H, W, C)`; all of a batch are turned alike.
        seed: int32 `(2,)`; the same gives the same.

    Returns:
        Tensor like `image`.
    """
    is_turned = tf.random.stateless_uniform((2,), seed) < 0.5
    return tf.reverse(image, tf.boolean_mask([-3, -2], is_turned))


def random_contrast(image, seed):
    """Changes the contrast of an image: image^gamma, gamma from 0.7 to 1.5.

    An `augment` of `load_data` and `load_super_resolution`. 0 and 1 stay; between them tissues,
    and noise, become brighter (gamma < 1) or darker, as from one scanner to the next. The logarithm
    of gamma is uniform.

    Args:
        image: not negative.
        seed: int32 `(2,)`; the same gives the same.

    Returns:
        Tensor like `image`.

    Source: the range is that of nnU-Net (Isensee et al., Nature Methods 2021).
    """
    low, high = map(math.log, CONTRAST_EXPONENTS)
    return image ** tf.exp(tf.random.stateless_uniform((), seed, low, high, image.dtype))


def compose_augmentations(*augments):
    """One `augment` that applies several, the first one first, each with a seed of its own."""

    def composed(image, seed):
        for number, augment in enumerate(augments):
            image = augment(image, tf.random.fold_in(seed, number))
        return image

    names = [getattr(augment, "__qualname__", "<lambda>") for augment in augments]
    composed.__qualname__ = ", ".join(names)
    return composed


def check_augment(augment, image_size):
    """Refuses a function that does not turn an image float32 `(H, W, 1)` into another one.

    Raises:
        InputError: the result has another shape or dtype.
    """
    shape = (*image_size, 1)
    image = tf.TensorSpec(shape, tf.float32)
    traced = tf.function(augment).get_concrete_function(image, tf.TensorSpec((2,), tf.int32))
    result = traced.structured_outputs
    is_tensor = hasattr(result, "shape") and hasattr(result, "dtype")
    if not is_tensor or not result.shape.is_compatible_with(shape) or result.dtype != tf.float32:
        given = f"{result.dtype.name} {tuple(result.shape)}" if is_tensor else repr(result)
        raise InputError(f"augment must return an image float32 {shape}; it returns {given}.")
