"""Undersampling: a mask says which samples of k-space are measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from kdmri_tf.physics import fourier
from kdmri_tf.physics.degradation import Baselines, Degradation, check_images
from kdmri_tf.physics.masks import check_mask, true_acceleration
from kdmri_tf.physics.measurement import measured_kspace
from kdmri_tf.physics.real_numbers import check_real
from kdmri_tf.physics.samplers import gaussian_mask


def undersample(image: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Returns the measured k-space M F x, zero where it was not measured.

    Args:
        image: float32 `(batch, H, W, 1)`.
        mask: float32 `(H, W)` or `(batch, H, W)`, 1 where measured, unshifted.

    Returns:
        float32 `(batch, H, W, 2)`: (real, imaginary), unshifted, ortho normalised.

    Raises:
        InputError: complex numbers.
    """
    check_real(mask, "mask")
    return measured_kspace(image, mask, fourier)


@dataclass(frozen=True, eq=False)
class Undersampling(Degradation):
    """Measures the k-space samples of a mask: a network is given `kspace` and `mask`.

    Attributes:
        mask: `(H, W)` of 0 and 1, unshifted.
        origin: where the mask comes from: sampler and seed, or file name.
        nominal_acceleration: the acceleration that was asked for; None for that of the mask.
        center_lines: lowest lines that the mask was drawn to measure; None for a mask that was not.

    Example:
        >>> import tensorflow as tf
        >>> from kdmri_tf import Undersampling, gaussian_mask
        >>> undersampling = Undersampling(gaussian_mask((64, 48), acceleration=4))
        >>> inputs = undersampling.apply(tf.ones((2, 64, 48, 1)))
        >>> {name: tuple(value.shape) for name, value in inputs.items()}
        {'kspace': (2, 64, 48, 2), 'mask': (2, 64, 48)}
        >>> undersampling.label
        '4.00x'
    """

    mask: NDArray
    origin: str = "array"
    nominal_acceleration: float | None = None
    center_lines: int | None = None

    input_specification: ClassVar[dict[str, tf.TensorSpec]] = {
        "kspace": tf.TensorSpec((None, None, None, 2), tf.float32, name="kspace"),
        "mask": tf.TensorSpec((None, None, None), tf.float32, name="mask"),
    }
    measurement: ClassVar[str] = "kspace"

    @classmethod
    def example(cls, image_size: Sequence[int]) -> Self:
        """Returns the papers' undersampling: a Gaussian mask, four times fewer lines."""
        return cls(gaussian_mask(image_size, acceleration=4))

    @property
    def label(self) -> str:
        """The acceleration asked for, such as "4x", or else that of the mask, such as "4.05x"."""
        if self.nominal_acceleration is None:
            return f"{true_acceleration(self.mask):.2f}x"
        return f"{self.nominal_acceleration:g}x"

    @property
    def baselines(self) -> Baselines:
        """The zero-filled image alone."""
        return {"zero-filled": lambda inputs, image: fourier.kspace_to_magnitude(inputs["kspace"])}

    def sampled(self, image_size: Sequence[int]) -> NDArray[np.float32]:
        """Returns the mask, float32 `(H, W)`.

        Raises:
            InputError: as `check_mask`.
        """
        return check_mask(self.mask, image_size)

    def apply(  # type: ignore[override]  # names the inputs that may be known
        self,
        image: tf.Tensor,
        mask: tf.Tensor | None = None,
        kspace: tf.Tensor | None = None,
    ) -> dict[str, tf.Tensor]:
        """Returns `kspace`, float32 `(batch, H, W, 2)`, and `mask`, float32 `(batch, H, W)`.

        Args:
            image: float32 `(batch, H, W, 1)`, H and W known.
            mask: one for each image, instead of the same for all.
            kspace: computed earlier from these images and masks.

        Raises:
            InputError: images of another shape, or of another size than the mask.
        """
        check_images(image)
        if mask is None:
            mask = self.sampled(tuple(image.shape[1:3]))
            mask = tf.broadcast_to(mask, tf.shape(image)[:3])
        return {"kspace": undersample(image, mask) if kspace is None else kspace, "mask": mask}
