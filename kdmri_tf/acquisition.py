"""How the slices of a volume become inputs of a network: undersampled already, or on request."""

from dataclasses import dataclass

import numpy as np

from kdmri_tf.masks import center_window, kept_size, true_acceleration
from kdmri_tf.measured_samples import measured_mask


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
    """Undersampled k-space of one coil, of an image that should be real.

    With z the zero-filled image, which k-space is made of again unshifted: divided by max |z| and
    by the phase `exp(i angle(sum z^2) / 2)`, whose sign is that of a positive mean.
    """

    def __init__(self, volume):
        super().__init__(volume, measured_mask(volume), "undersampled already")

    def measure(self, index):
        (image,) = self._volume.coil_images(index)
        degraded = np.abs(image)
        scale = float(degraded.max())
        image = image / (scale or 1)
        image = image * np.exp(-0.5j * np.angle(np.sum(image**2)))
        if np.sum(image.real) < 0:
            image = -image
        kspace = np.fft.fft2(image, norm="ortho") * self.mask
        return MeasuredSlice(_channels(kspace), degraded, scale)


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
