"""What changes a training slice from pass to pass: augmentation and random masks."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from kdmri_tf.errors import InputError

CONTRAST_EXPONENTS = (0.7, 1.5)

Augment = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]  # (image, seed) -> image


@dataclass(frozen=True, eq=False)
class Variation:
    """Changes every training slice anew in every pass. As text: what does so.

    Attributes:
        augment: `(image (H, W, 1), seed int32 (2,)) -> image` in TensorFlow, or None.
        masks: float32 `(count, H, 1)` or `(count, 1, W)`, unshifted, to pick from; or None.
    """

    augment: Augment | None = None
    masks: NDArray[np.float32] | None = None

    def __call__(self, image: tf.Tensor, seed: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns the changed slice, with a mask of its own where masks are random.

        The same seed gives the same.

        Args:
            image: float32 `(H, W, 1)`.
            seed: int32 `(2,)`.

        Returns:
            float32 tensors `image`, `(H, W, 1)`, and, if masks are random, `mask`, `(H, W)`.
        """
        mask_seed, image_seed = tf.unstack(tf.random.split(seed))
        if self.augment is not None:
            image = tf.ensure_shape(self.augment(image, image_seed), image.shape)
        if self.masks is None:
            return {"image": image}
        index = tf.random.stateless_uniform((), mask_seed, maxval=len(self.masks), dtype=tf.int32)
        mask = tf.broadcast_to(tf.gather(self.masks, index), image.shape[:2])
        return {"image": image, "mask": mask}

    def __str__(self) -> str:
        parts = {"augmentation": self.augment, "random masks": self.masks}
        return " and ".join(name for name, part in parts.items() if part is not None)

    @property
    def augment_name(self) -> str | None:
        """The name of `augment`, all that a run folder can know of a function; or None.

        Raises:
            InputError: it has no name of its own, so that two could not be told apart.
        """
        if self.augment is None:
            return None
        name = getattr(self.augment, "__qualname__", None)
        if name is None or "<lambda>" in name:
            raise InputError(
                f"A run folder identifies an augmentation by its name, but {self.augment!r} has "
                "none of its own: use a function defined with def."
            )
        return name


def random_flips(image: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Flips an image up-down and left-right, each with probability 1/2.

    An `augment` of `load_data` and `load_super_resolution`.

    Args:
        image: `(..., H, W, C)`; all images of a batch are flipped alike.
        seed: int32 `(2,)`; the same gives the same.

    Returns:
        Tensor like `image`.

    Example:
        >>> import tensorflow as tf
        >>> from kdmri_tf import random_flips
        >>> image = tf.reshape(tf.range(6.0), (2, 3, 1))
        >>> random_flips(image, seed=(0, 1))[..., 0].numpy().tolist()
        [[5.0, 4.0, 3.0], [2.0, 1.0, 0.0]]
    """
    is_turned = tf.random.stateless_uniform((2,), seed) < 0.5
    return tf.reverse(image, tf.boolean_mask([-3, -2], is_turned))


def random_contrast(image: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Changes the contrast of an image: image^gamma, gamma from 0.7 to 1.5.

    An `augment` of `load_data` and `load_super_resolution`. 0 and 1 stay; values between them,
    tissue and noise, become brighter (gamma < 1) or darker, as from one scanner to the next. The
    logarithm of gamma is drawn uniformly.

    Args:
        image: without negative values.
        seed: int32 `(2,)`; the same gives the same.

    Returns:
        Tensor like `image`.

    Example:
        >>> import tensorflow as tf
        >>> from kdmri_tf import random_contrast
        >>> changed = random_contrast(tf.constant([0.0, 0.5, 1.0]), seed=(0, 1)).numpy()
        >>> changed[[0, 2]].tolist(), bool(0.5**1.5 <= changed[1] <= 0.5**0.7)
        ([0.0, 1.0], True)

    Source: the range is that of nnU-Net (Isensee et al., Nature Methods 2021).
    """
    low, high = map(math.log, CONTRAST_EXPONENTS)
    return image ** tf.exp(tf.random.stateless_uniform((), seed, low, high, image.dtype))


def compose_augmentations(*augments: Augment) -> Augment:
    """Chains augmentations into one, the first applied first, each with a seed of its own.

    Example:
        >>> from kdmri_tf import compose_augmentations, random_contrast, random_flips
        >>> augment = compose_augmentations(random_flips, random_contrast)
        >>> augment.__qualname__
        'random_flips, random_contrast'
    """

    def composed(image: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        for number, augment in enumerate(augments):
            image = augment(image, tf.random.fold_in(seed, number))
        return image

    names = [getattr(augment, "__qualname__", "<lambda>") for augment in augments]
    composed.__qualname__ = ", ".join(names)
    return composed


def check_augment(augment: Augment, image_size: Sequence[int]) -> None:
    """Refuses a function that does not turn an image float32 `(H, W, 1)` into another one.

    Args:
        augment: the function.
        image_size: (H, W).

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
        raise InputError(f"augment must return a float32 image of shape {shape}; got {given}.")
