"""How the slices of a volume become inputs of a network: undersampled already, or on request."""

import warnings
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.errors import InputError
from kdmri_tf.inference.smooth_phase import without_smooth_phase
from kdmri_tf.physics import numpy_fourier
from kdmri_tf.physics.low_frequencies import center_window, kept_size
from kdmri_tf.physics.masks import true_acceleration
from kdmri_tf.physics.measurement import measured_kspace, zero_filled_image
from kdmri_tf.volumes.measured_mask import measured_mask
from kdmri_tf.volumes.volume import ImageVolume, KspaceVolume

IMAGINARY_SHARE = 0.1


@dataclass(frozen=True)
class MeasuredSlice:
    """Holds a slice as a network gets it, and what else is known about it.

    Attributes:
        measurement: kspace float32 `(H, W, 2)`, that of coils `(coils, H, W, 2)`, or low_resolution
            `(H, W, 1)`, divided by `scale`.
        degraded: what can be seen without a network, `(H, W)`, in the units of the file.
        scale: maximum of the slice, in the units of the file; 0 if it is blank.
        target: the fully sampled image `(H, W)`, in the units of the file; None if not known.
        sensitivities: float32 `(coils, H, W, 2)`; None for magnitude images.
        phase: complex `(H, W)` of modulus 1, to multiply what the network returns by: the smooth
            phase that the sensitivities took; None for magnitude images.
    """

    measurement: NDArray[np.float32]
    degraded: NDArray[np.floating[Any]]
    scale: float
    target: NDArray[np.float32] | None = None
    sensitivities: NDArray[np.float32] | None = None
    phase: NDArray[np.complexfloating] | None = None


class Undersampled:
    """Undersamples fully sampled slices: `mask F x`, x the magnitude image over its maximum.

    `measure` refuses k-space that is undersampled already, see `KspaceVolume.magnitude`: its image
    is aliased and cannot be the target.

    Args:
        volume: fully sampled images or k-space.
        mask: float32 `(H, W)`, unshifted.
        origin: where the mask comes from, in words.

    Attributes:
        image_size: (H, W).
        mask: as given.
        more_inputs: what the network takes besides the measurement.
        degraded_name: what to call an image without a network.
        origin: where the mask comes from, and its acceleration.
    """

    degraded_name = "zero-filled"
    coils: int | None = None

    def __init__(self, volume: ImageVolume, mask: NDArray[np.float32], origin: str) -> None:
        self._volume = volume
        self.image_size = volume.image_size
        self.mask = mask
        self.more_inputs = (mask,)
        self.origin = f"{origin}, true acceleration {true_acceleration(mask):.2f}"

    def measure(self, index: int) -> MeasuredSlice:
        """Returns the slice at an index, undersampled."""
        target, image, scale = _normalized(self._volume, index)
        kspace = measured_kspace(image[..., np.newaxis], self.mask, numpy_fourier)
        degraded = scale * numpy_fourier.kspace_to_magnitude(kspace)[..., 0]
        return MeasuredSlice(kspace, degraded, scale, target)


class UndersampledAlready(Undersampled):
    """Takes undersampled k-space of one coil: `mask F x`, x the zero-filled image made real.

    A raw image has a phase, but the networks only know real images. The smooth part of the phase is
    removed, which spreads the measured samples a little, so they are masked again. x is divided by
    its largest magnitude.

    Warns if more than a tenth of the images' energy remains imaginary.

    Args:
        volume: undersampled k-space of one coil.
    """

    def __init__(self, volume: KspaceVolume) -> None:
        mask = measured_mask(volume)
        if volume.num_coils != 1:
            raise InputError(
                f"{volume.path} is undersampled and has {volume.num_coils} coils, but this network "
                "reconstructs magnitude images of one coil: use a network of complex images "
                "(trained with --coils; in code complex_images=True)."
            )
        super().__init__(volume, mask, "undersampled already")
        self._kspace_volume = volume
        self._warn_of_phase()

    def measure(self, index: int) -> MeasuredSlice:
        degraded, image = self._real_image(index)
        scale = float(degraded.max())
        image = (image / (scale or 1))[..., np.newaxis]
        kspace = measured_kspace(image, self.mask, numpy_fourier)
        return MeasuredSlice(kspace, degraded, scale)

    def _real_image(
        self, index: int
    ) -> tuple[NDArray[np.floating[Any]], NDArray[np.complexfloating[Any, Any]]]:
        """Returns the magnitude of the zero-filled image, and the image without smooth phase."""
        (image,) = self._kspace_volume.coil_images(index)
        return np.abs(image), without_smooth_phase(image, self.mask)

    def _warn_of_phase(self) -> None:
        total = imaginary = 0.0
        for index in range(self._volume.num_slices):
            magnitude, image = self._real_image(index)
            total += np.sum(np.square(magnitude), dtype=np.float64)
            imaginary += np.sum(np.square(image.imag), dtype=np.float64)
        if imaginary > IMAGINARY_SHARE * total:
            warnings.warn(
                f"The images of {self._volume.path} have a phase that varies quickly: "
                f"{imaginary / total:.0%} of their energy is imaginary, but this network "
                "reconstructs real images; parts will be dark or missing. A network of complex "
                "images (trained with --coils 1) takes them as they are.",
                stacklevel=3,
            )


class LowResolutionAlready:
    """Takes images that have a low resolution at full size; attributes as for `Undersampled`.

    Args:
        volume: the images.
    """

    mask: None = None
    coils: int | None = None
    more_inputs: tuple[()] = ()
    degraded_name = "low resolution"
    origin = "taken as low resolution"

    def __init__(self, volume: ImageVolume) -> None:
        self._volume = volume
        self.image_size = volume.image_size

    def measure(self, index: int) -> MeasuredSlice:
        """Returns the slice at an index as it is, divided by its maximum."""
        degraded, image, scale = _normalized(self._volume, index)
        return MeasuredSlice(image[..., np.newaxis], degraded, scale)


class LoweredResolution(LowResolutionAlready):
    """Lowers the resolution of images: |F^-1 M F x|, M the centre of k-space.

    Args:
        volume: the images.
        scale: the factor along each axis.
    """

    def __init__(self, volume: ImageVolume, scale: float) -> None:
        super().__init__(volume)
        size = kept_size(volume.image_size, scale)
        self._window = center_window(volume.image_size, size)
        self.origin = f"lowered to the centre {size[0]}x{size[1]} of k-space"

    def measure(self, index: int) -> MeasuredSlice:
        target, image, scale = _normalized(self._volume, index)
        low = zero_filled_image(image[..., np.newaxis], self._window, numpy_fourier)
        return MeasuredSlice(low, scale * low[..., 0], scale, target)


class Acquisition(Protocol):
    """What the acquisitions here and `RawAcquisition` have in common."""

    degraded_name: str
    origin: str
    image_size: tuple[int, int]
    coils: int | None  # None of magnitude images

    @property
    def mask(self) -> NDArray[np.float32] | None:
        """The samples of k-space that are measured, `(H, W)`, unshifted; None without a mask."""

    @property
    def more_inputs(self) -> tuple[NDArray[np.float32], ...]:
        """What the network takes besides the measurement, the same for all slices."""

    def measure(self, index: int) -> MeasuredSlice:
        """Returns the slice at an index."""


def _normalized(
    volume: ImageVolume, index: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], float]:
    """Returns the magnitude in the units of the file, the same over its maximum, the maximum."""
    magnitude = volume.magnitude(index)
    scale = float(magnitude.max())
    return magnitude, magnitude / np.float32(scale or 1), scale
