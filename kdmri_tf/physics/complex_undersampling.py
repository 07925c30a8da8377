"""Undersampling of complex images: k-space of one or many coils, raw or simulated."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import tensorflow as tf

from kdmri_tf.errors import InputError
from kdmri_tf.physics import fourier
from kdmri_tf.physics.calibration import calibration_region
from kdmri_tf.physics.degradation import Baselines, Inputs
from kdmri_tf.physics.real_numbers import check_real
from kdmri_tf.physics.samplers import gaussian_mask
from kdmri_tf.physics.sense import KSPACE, MASK, SENSITIVITIES, SenseOperator
from kdmri_tf.physics.sensitivities import low_resolution_sensitivities
from kdmri_tf.physics.simulated_acquisition import SimulatedAcquisition, check_coils
from kdmri_tf.physics.undersampling import Undersampling


@dataclass(frozen=True, eq=False)
class ComplexUndersampling(Undersampling):
    """Measures k-space of coils: a network is given `kspace`, `mask` and `sensitivities`.

    ::

        y = M Y,   S from the measured centre of y,   s = 1 / max |A^H y|
        inputs: s y, M, S;     target: s sum over coils of conj(S_c) F^-1 Y_c

    Y is the fully sampled k-space of a slice and A = M F S (`SenseOperator`). S comes from
    `low_resolution_sensitivities`; that of one coil is the smooth phase of the image, of modulus 1.
    The scale s is known wherever y is, so that networks see the same scale when they are used.
    Target and input share S: what a scanner's phase adds to the image is taken out of both alike.

    Slices have raw "kspace", float32 `(batch, coils, H, W, 2)`, whose target has the noise of the
    scan; or an "image", `(batch, H, W, 1)`, and a "seed", `(batch, 2)`, from which `acquisition`
    simulates a scan. Its target has noise as well, unless the acquisition has `denoise`.

    Attributes:
        mask: `(H, W)` of 0 and 1, unshifted.
        origin: where the mask comes from: sampler and seed, or file name.
        nominal_acceleration: the acceleration that was asked for; None for that of the mask.
        center_lines: lowest lines that the mask was drawn to measure; None for a mask that was not.
        coils: of the k-space.
        acquisition: simulates scans of so many coils; None for raw k-space alone.

    Raises:
        InputError: an acquisition of another number of coils, or a mask that measures too little
            around the zero frequency for the sensitivities.

    Example:
        >>> import numpy as np
        >>> from kdmri_tf import ComplexUndersampling, equispaced_mask
        >>> mask = equispaced_mask((64, 48), acceleration=2, center_lines=16)
        >>> undersampling = ComplexUndersampling(mask, coils=4)
        >>> inputs, target = undersampling.pair(kspace=np.ones((1, 4, 64, 48, 2), np.float32))
        >>> {name: tuple(value.shape) for name, value in inputs.items()}
        {'kspace': (1, 4, 64, 48, 2), 'mask': (1, 64, 48), 'sensitivities': (1, 4, 64, 48, 2)}
        >>> tuple(target.shape)
        (1, 64, 48, 2)
    """

    coils: int = 1
    acquisition: SimulatedAcquisition | None = None

    input_specification: ClassVar[dict[str, tf.TensorSpec]] = {
        spec.name: spec for spec in (KSPACE, MASK, SENSITIVITIES)
    }
    complex_images: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "coils", check_coils(self.coils))
        if self.acquisition is not None:
            check_same_coils(self.coils, self.acquisition)
        calibration_region(self.mask)

    @classmethod
    def example(cls, image_size: Sequence[int]) -> Self:
        """Returns a simulated scan of eight coils under a Gaussian mask of 24 centre lines."""
        mask = gaussian_mask(image_size, acceleration=2, center_lines=min(24, image_size[0] // 2))
        return cls(mask, coils=8, acquisition=SimulatedAcquisition(8))

    @property
    def baselines(self) -> Baselines:
        """The zero-filled image A^H y alone."""
        return {
            "zero-filled": lambda inputs, image: sense_operator(inputs).adjoint(inputs["kspace"])
        }

    def apply(  # type: ignore[override]  # has other slices
        self, image: tf.Tensor | None = None, **slices: tf.Tensor
    ) -> Inputs:
        """Returns the inputs that `pair` returns."""
        return self.pair(**({} if image is None else {"image": image}), **slices)[0]

    def pair(self, **slices: tf.Tensor) -> tuple[Inputs, tf.Tensor]:
        """Returns the inputs, as `input_specification` has them, and the target `(batch, H, W, 2)`.

        Args:
            slices: "kspace", or "image" with a "seed" (0, 1, 2 ... where there is none); and a
                "mask" for each, instead of the same for all. Or what `with_measurement` returned.

        Raises:
            InputError: k-space of another number of coils, an image where nothing simulates, or
                complex numbers.
        """
        for name, values in slices.items():
            check_real(values, name)
        if "target" not in slices:
            slices = self.with_measurement(**slices)
        target = slices["target"]
        mask = slices["mask"] if "mask" in slices else self._masks(target)
        maps = slices["sensitivities"]
        return {"kspace": slices["measured"], "mask": mask, "sensitivities": maps}, target

    def with_measurement(self, **slices: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns "measured" k-space, "sensitivities", "target" and the "mask" if it was given."""
        full = self._full(slices)
        kspace = tf.convert_to_tensor(full["kspace"], tf.float32)
        if kspace.shape[1] not in (None, self.coils):
            raise InputError(
                f"The k-space has {kspace.shape[1]} coils, but {self.coils} are expected: give "
                "that number of coils."
            )
        mask = slices["mask"] if "mask" in slices else self._masks(kspace[:, 0])
        measured = kspace * mask[:, tf.newaxis, ..., tf.newaxis]
        coil_images = full["reference"] if "reference" in full else fourier.kspace_to_image(kspace)
        sensitivities = low_resolution_sensitivities(measured, mask)
        zero_filled = SenseOperator(mask, sensitivities).adjoint(measured)
        energy = tf.reduce_max(tf.reduce_sum(zero_filled**2, axis=-1), axis=(1, 2))
        scale = tf.math.divide_no_nan(1.0, tf.sqrt(energy))[:, tf.newaxis, tf.newaxis, tf.newaxis]
        target = scale * combined(coil_images, sensitivities)
        kept = {
            "measured": scale[..., tf.newaxis] * measured,
            "target": target,
            "sensitivities": sensitivities,
        }
        return {**kept, "mask": mask} if "mask" in slices else kept

    def _full(self, slices: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Returns fully sampled k-space, and what is known of it."""
        if "kspace" in slices:
            return slices
        if self.acquisition is None:
            raise InputError(
                "Magnitude images have no k-space of coils: give k-space, or an acquisition that "
                "simulates it, such as SimulatedAcquisition(coils=8)."
            )
        image = tf.convert_to_tensor(slices["image"], tf.float32)
        seed = slices.get("seed")
        if seed is None:
            count = tf.range(tf.shape(image)[0])
            seed = tf.stack([count, tf.zeros_like(count)], axis=-1)
        shape = tf.TensorSpec((self.coils, *image.shape[1:3], 2), tf.float32)
        return tf.map_fn(
            lambda part: self.acquisition(*part),
            (image, tf.cast(seed, tf.int32)),
            fn_output_signature={"kspace": shape, "reference": shape},
        )

    def _masks(self, images: tf.Tensor) -> tf.Tensor:
        """Returns the mask for each of images `(batch, H, W, 2)`."""
        mask = self.sampled(tuple(images.shape[1:3]))
        return tf.broadcast_to(mask, tf.shape(images)[:3])


def check_same_coils(coils: int, acquisition: SimulatedAcquisition) -> None:
    """Refuses an acquisition of another number of coils.

    Raises:
        InputError: both numbers, and what to do.
    """
    if acquisition.coils != coils:
        raise InputError(
            f"The simulated acquisition has {acquisition.coils} coils, but {coils} are asked for: "
            "give both the same number."
        )


def sense_operator(inputs: Inputs) -> SenseOperator:
    """Returns the operator of which the inputs of a network are a measurement."""
    return SenseOperator(inputs["mask"], inputs.get("sensitivities"))


def combined(coil_images: tf.Tensor, sensitivities: tf.Tensor) -> tf.Tensor:
    """Returns sum over coils of conj(S_c) x_c: `(batch, coils, H, W, 2)` to `(batch, H, W, 2)`."""
    parts = tf.math.conj(fourier.to_complex(sensitivities)) * fourier.to_complex(coil_images)
    return fourier.to_channels(tf.reduce_sum(parts, axis=1))
