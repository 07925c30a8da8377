"""What changes a training slice from pass to pass: augmentation and random masks."""

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from kdmri_tf.errors import InputError
from kdmri_tf.physics import fourier

CONTRAST_EXPONENTS = (0.7, 1.5)
LARGEST_ROUNDING = 1e-3  # of sums of normal numbers

Augment = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]  # (image, seed) -> image


@dataclass(frozen=True, eq=False)
class Variation:
    """Changes every training slice anew in every pass. As text: what does so.

    Attributes:
        augment: `(image (H, W, 1), seed int32 (2,)) -> image` in TensorFlow, or None. Of raw
            k-space it is given the coil images, `(coils, H, W, 2)`.
        masks: float32 `(count, H, 1)` or `(count, 1, W)`, unshifted, to pick from; or None.
        scans: whether a scan of the slice is simulated, anew in every pass.
    """

    augment: Augment | None = None
    masks: NDArray[np.float32] | None = None
    scans: bool = False

    def __call__(self, example: dict[str, tf.Tensor], seed: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns the changed slice, with a mask of its own where masks are random.

        The same seed gives the same.

        Args:
            example: "image", float32 `(H, W, 1)`, or "kspace", `(coils, H, W, 2)`, fully sampled;
                whatever else there is was made of them and is left out.
            seed: int32 `(2,)`.

        Returns:
            The same, and, if masks are random, "mask", `(H, W)`; if scans are simulated, the "seed"
            of this one, int32 `(2,)`.
        """
        name = "image" if "image" in example else "kspace"
        mask_seed, image_seed = tf.unstack(tf.random.split(seed))
        changed = {name: self._augmented(name, example[name], image_seed)}
        if self.scans:
            changed["seed"] = tf.random.fold_in(seed, 2)
        if self.masks is None:
            return changed
        index = tf.random.stateless_uniform((), mask_seed, maxval=len(self.masks), dtype=tf.int32)
        size = changed[name].shape[-3:-1]
        return {**changed, "mask": tf.broadcast_to(tf.gather(self.masks, index), size)}

    def warn_of_no_seed(self) -> None:
        """Warns that slices come as they are, if augmentation or random masks were asked for."""
        if self.augment is None and self.masks is None:
            return
        warnings.warn(
            f"Without a seed the training slices come as they are, without {self}: give one, such "
            'as batches("train", seed=42).',
            stacklevel=3,
        )

    def _augmented(self, name: str, values: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        if self.augment is None:
            return values
        if name == "image":
            return tf.ensure_shape(self.augment(values, seed), values.shape)
        images = tf.ensure_shape(self.augment(fourier.kspace_to_image(values), seed), values.shape)
        return fourier.to_channels(fourier.complex_fft2(fourier.to_complex(images)))

    def __str__(self) -> str:
        parts = {
            "augmentation": self.augment is not None,
            "random masks": self.masks is not None,
            "simulated scans": self.scans,
        }
        return " and ".join(name for name, varies in parts.items() if varies)

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


def check_augment(augment: Augment, image_size: Sequence[int], coils: int | None = None) -> None:
    """Refuses a function that does not turn an image float32 `(H, W, 1)` into another one.

    Args:
        augment: the function.
        image_size: (H, W).
        coils: of raw k-space, whose coil images `(coils, H, W, 2)` it changes instead; None for
            magnitude images.

    Raises:
        InputError: the result has another shape or dtype; or, of coil images, it is not linear, so
            that phase and noise would be changed in another way than a scan of the changed body has
            them.
    """
    shape = (*image_size, 1) if coils is None else (coils, *image_size, 2)
    image = tf.TensorSpec(shape, tf.float32)
    try:
        traced = tf.function(augment).get_concrete_function(image, tf.TensorSpec((2,), tf.int32))
    except (ValueError, TypeError, tf.errors.InvalidArgumentError) as error:
        if coils is None:
            raise
        raise InputError(
            f"{getattr(augment, '__qualname__', augment)} cannot change raw k-space: use changes "
            "of place alone, such as random_flips (--flips), or simulate scans of magnitude images "
            "(acquisition=SimulatedAcquisition(...))."
        ) from error
    result = traced.structured_outputs
    is_tensor = hasattr(result, "shape") and hasattr(result, "dtype")
    if not is_tensor or not result.shape.is_compatible_with(shape) or result.dtype != tf.float32:
        given = f"{result.dtype.name} {tuple(result.shape)}" if is_tensor else repr(result)
        raise InputError(f"augment must return a float32 image of shape {shape}; got {given}.")
    if coils is None:
        return
    seed = tf.constant([0, 1])
    first, second = tf.unstack(tf.random.stateless_normal((2, *shape), (0, 1)))
    difference = traced(first - second, seed) - (traced(first, seed) - traced(second, seed))
    if not tf.reduce_max(tf.abs(difference)) < LARGEST_ROUNDING:
        raise InputError(
            f"{getattr(augment, '__qualname__', augment)} changes intensities, which raw k-space "
            "does not allow: use changes of place alone, such as random_flips (--flips), or "
            "simulate scans of magnitude images (acquisition=SimulatedAcquisition(...))."
        )
