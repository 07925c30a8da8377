"""How the slices of a volume become inputs of a network: undersampled already, or on request."""

import warnings
from dataclasses import dataclass

import numpy as np

from kdmri_tf.inference.smooth_phase import without_smooth_phase
from kdmri_tf.physics.masks import center_window, kept_size, true_acceleration
from kdmri_tf.volumes.measured_samples import measured_mask

IMAGINARY_SHARE = 0.1


@dataclass(frozen=True)
class MeasuredSlice:
    """A slice as a network is given it, and what is known of it besides.

    Attributes:
        measurement: kspace float32 `(H, W, 2)` or low_resolution `(H, W, 1)`, divided by `scale`.
        degraded: what is to be seen without a network, `(H, W)`, in the units of the file.
        scale: maximum of the slice, in the units of the file; 0 if it is blank.
        target: the fully sampled image `(H, W)`, in the units of the file; None if not known.
    """

    measurement: np.ndarray
    degraded: np.ndarray
    scale: float
    target: np.ndarray | None = None


class Undersampled:
    """Fully sampled slices, undersampled: `mask F x`, x the magnitude image over its maximum.

    `measure` refuses k-space that is undersampled already, see `KspaceVolume.magnitude`: its image
    is aliased and no target.

    Attributes:
        mask: float32 `(H, W)`, unshifted.
        more_inputs: what the network takes besides the measurement.
        degraded_name: of what is to be seen without a network.
        origin: where the mask comes from, in words.
    """

    degraded_name = "zero-filled"

    def __init__(self, volume, mask, origin):
        self._volume = volume
        self.mask = mask
        self.more_inputs = (mask,)
        self.origin = f"{origin}, true acceleration {true_acceleration(mask):.2f}"

    def measure(self, index):
        """The `MeasuredSlice` at an index."""
        target, image, scale = _normalized(self._volume, index)
        kspace = np.fft.fft2(image, norm="ortho") * self.mask
        degraded = scale * np.abs(np.fft.ifft2(kspace, norm="ortho"))
        return MeasuredSlice(_channels(kspace), degraded, scale, target)


class UndersampledAlready(Undersampled):
    """Undersampled k-space of one coil: `mask F x`, x the zero-filled image made real.

    A raw image has a phase, and the networks know real images alone. The smooth part of it is taken
    out, which spreads the measured samples a little; they are masked again. x is divided by its
    largest magnitude.

    Warns if more than a tenth of the images' energy is imaginary even so.
    """

    def __init__(self, volume):
        super().__init__(volume, measured_mask(volume), "undersampled already")
        self._warn_of_phase()

    def measure(self, index):
        degraded, image = self._real_image(index)
        scale = float(degraded.max())
        kspace = np.fft.fft2(image / (scale or 1), norm="ortho") * self.mask
        return MeasuredSlice(_channels(kspace), degraded, scale)

    def _real_image(self, index):
        """The magnitude of the zero-filled image, and the image without its smooth phase."""
        (image,) = self._volume.coil_images(index)
        return np.abs(image), without_smooth_phase(image, self.mask)

    def _warn_of_phase(self):
        total = imaginary = 0.0
        for index in range(self._volume.num_slices):
            magnitude, image = self._real_image(index)
            total += np.sum(np.square(magnitude), dtype=np.float64)
            imaginary += np.sum(np.square(image.imag), dtype=np.float64)
        if imaginary > IMAGINARY_SHARE * total:
            warnings.warn(
                f"The images of {self._volume.path} have a phase that varies quickly: "
                f"{imaginary / total:.0%} of their energy is imaginary, but the networks "
                "reconstruct real images; parts will be dark or missing.",
                stacklevel=3,
            )


class LowResolutionAlready:
    """Images at low resolution, of full size; attributes as of `Undersampled`."""

    mask = None
    more_inputs = ()
    degraded_name = "low resolution"
    origin = "taken as low resolution"

    def __init__(self, volume):
        self._volume = volume

    def measure(self, index):
        """The `MeasuredSlice` at an index."""
        degraded, image, scale = _normalized(self._volume, index)
        return MeasuredSlice(image[..., np.newaxis], degraded, scale)


class LoweredResolution(LowResolutionAlready):
    """Images whose resolution is lowered: |F^-1 M F x|, M the centre of k-space."""

    def __init__(self, volume, scale):
        super().__init__(volume)
        size = kept_size(volume.image_size, scale)
        self._window = center_window(volume.image_size, size)
        self.origin = f"lowered to the centre {size[0]}x{size[1]} of k-space"

    def measure(self, index):
        target, image, scale = _normalized(self._volume, index)
        kspace = np.fft.fft2(image, norm="ortho") * self._window
        low = np.abs(np.fft.ifft2(kspace, norm="ortho")).astype(np.float32)
        return MeasuredSlice(low[..., np.newaxis], scale * low, scale, target)


def _normalized(volume, index):
    """The magnitude image in the units of the file, the same over its maximum, and the maximum."""
    magnitude = volume.magnitude(index)
    scale = float(magnitude.max())
    return magnitude, magnitude / np.float32(scale or 1), scale


def _channels(kspace):
    """Complex `(H, W)` as float32 `(H, W, 2)`."""
    return np.stack([kspace.real, kspace.imag], axis=-1).astype(np.float32)
