"""What turns a fully sampled image into the inputs of a network: undersampling, low resolution.

Both keep some samples of the image's k-space, unshifted and ortho normalised. They differ in which,
and in what the network is given: k-space and mask, or a blurred image.
"""

import abc
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import tensorflow as tf
from scipy import ndimage

from kdmri_tf.physics.fourier import image_to_kspace, kspace_to_magnitude
from kdmri_tf.physics.masks import (
    center_window,
    check_mask,
    check_scale,
    gaussian_mask,
    kept_size,
    lowest_frequencies,
    true_acceleration,
)


def undersample(image, mask):
    """Measured k-space M F x, zero where not measured.

    Args:
        image: float32 `(batch, H, W, 1)`.
        mask: float32 `(H, W)` or `(batch, H, W)`, 1 where measured, unshifted.

    Returns:
        float32 `(batch, H, W, 2)`: (real, imaginary), unshifted, ortho normalised.
    """
    return image_to_kspace(image) * mask[..., tf.newaxis]


def lower_resolution(image, size):
    """|F^-1 M F x| with M the centre of k-space: the image blurred, at its own size.

    Args:
        image: float32 `(batch, H, W, 1)`, H and W known.
        size: (h, w), the lowest frequencies that are kept along each axis, as in `center_window`.

    Returns:
        float32 `(batch, H, W, 1)`.

    Source: KD-MRI (2020), section 3: the centre 64x64 of 256x256, zero-filled.
    """
    return kspace_to_magnitude(undersample(image, center_window(tuple(image.shape[1:3]), size)))


def bicubic(image, size):
    """The h x w image of the centre of k-space, enlarged by bicubic splines.

    ::

        small = sqrt(h w / (H W)) |F_hw^-1 C F_HW x|

    F the ortho FFTs of both sizes, C the cut of the h x w lowest frequencies; the factor keeps
    intensities as they are. Pixel (i, j) of the small image shows the place (i H / h, j W / w) of
    x. Between pixels stands the cubic spline through them, periodic as the FFT is
    (`scipy.ndimage`, order 3, mode "grid-wrap").

    Args:
        image: float32 `(batch, H, W, 1)`.
        size: (h, w).

    Returns:
        float32 array `(batch, H, W, 1)`.
    """
    images = np.asarray(image)[..., 0]
    full_size = images.shape[1:]
    rows, columns = map(lowest_frequencies, full_size, size)
    # Divided by H W here and by nothing there: the factor of the formula between ortho FFTs.
    kspace = np.fft.fft2(images, norm="forward")
    small = np.abs(np.fft.ifft2(kspace[:, rows][:, :, columns], norm="forward"))
    steps = np.diag(np.divide(size, full_size))
    enlarged = [
        ndimage.affine_transform(part, steps, output_shape=full_size, order=3, mode="grid-wrap")
        for part in small
    ]
    return np.stack(enlarged)[..., np.newaxis].astype(np.float32)


class Degradation(abc.ABC):
    """What data, networks and evaluation ask of a degradation.

    Attributes:
        input_specification: name -> `tf.TensorSpec` of a network's inputs: float32, batch, height
            and width free.
        measurement: the one of these inputs that depends on the image.
        label: how much is lost, for tables and folders, such as "4x".
        origin: which samples are kept, in words.
        baselines: name -> function from images float32 `(batch, H, W, 1)` to what can be seen of
            them without a network, of the same shape; "zero-filled" is the first.
    """

    @classmethod
    @abc.abstractmethod
    def example(cls, image_size):
        """A usual one for images of this size."""

    @abc.abstractmethod
    def sampled(self, image_size):
        """Which samples of k-space are kept: float32 `(H, W)` of 0 and 1, unshifted.

        Raises:
            InputError: images of this size cannot be degraded so.
        """

    @abc.abstractmethod
    def apply(self, image, **known):
        """The inputs of a network, as `input_specification` has them.

        Args:
            image: float32 `(batch, H, W, 1)`, H and W known.
            known: inputs that are there already and are not computed again.
        """

    def acceleration(self, image_size):
        """All samples of k-space over those that are kept."""
        return true_acceleration(self.sampled(image_size))


@dataclass(frozen=True, eq=False)
class Undersampling(Degradation):
    """Measures the k-space samples of a mask.

    Attributes:
        mask: `(H, W)` of 0 and 1, unshifted.
        origin: where the mask comes from: sampler and seed, or file name.
        nominal_acceleration: what was asked for; None for what the mask does.
    """

    mask: np.ndarray
    origin: str = "array"
    nominal_acceleration: float | None = None

    input_specification: ClassVar[dict] = {
        "kspace": tf.TensorSpec((None, None, None, 2), tf.float32, name="kspace"),
        "mask": tf.TensorSpec((None, None, None), tf.float32, name="mask"),
    }
    measurement: ClassVar[str] = "kspace"

    @classmethod
    def example(cls, image_size):
        return cls(gaussian_mask(image_size, acceleration=4))

    @property
    def label(self):
        if self.nominal_acceleration is None:
            return f"{true_acceleration(self.mask):.2f}x"
        return f"{self.nominal_acceleration:g}x"

    @property
    def baselines(self):
        return {"zero-filled": lambda image: kspace_to_magnitude(self.apply(image)["kspace"])}

    def sampled(self, image_size):
        return check_mask(self.mask, image_size)

    def apply(self, image, mask=None, kspace=None):
        if mask is None:
            mask = self.sampled(tuple(image.shape[1:3]))
            mask = tf.broadcast_to(mask, tf.shape(image)[:3])
        return {"kspace": undersample(image, mask) if kspace is None else kspace, "mask": mask}


@dataclass(frozen=True)
class LowResolution(Degradation):
    """Keeps the centre of k-space: 1 / scale of the frequencies along each axis, rounded.

    Attributes:
        scale: at least 1; 4 keeps 64x64 of 256x256.

    Raises:
        InputError: a scale that is not finite or below 1.
    """

    scale: float = 4.0

    input_specification: ClassVar[dict] = {
        "low_resolution": tf.TensorSpec((None, None, None, 1), tf.float32, name="low_resolution")
    }
    measurement: ClassVar[str] = "low_resolution"
    origin: ClassVar[str] = "centre of k-space"

    def __post_init__(self):
        check_scale(self.scale)

    @classmethod
    def example(cls, image_size):
        return cls(4)

    @property
    def label(self):
        return f"{self.scale:g}x super-resolution"

    @property
    def baselines(self):
        return {
            "zero-filled": lambda image: self.apply(image)["low_resolution"],
            "bicubic": lambda image: bicubic(image, self.kept_size(image.shape[1:3])),
        }

    def kept_size(self, image_size):
        """(h, w): how many frequencies are kept along each axis; see `masks.kept_size`."""
        return kept_size(image_size, self.scale)

    def sampled(self, image_size):
        return center_window(image_size, self.kept_size(image_size))

    def apply(self, image, low_resolution=None):
        if low_resolution is None:
            low_resolution = lower_resolution(image, self.kept_size(image.shape[1:3]))
        return {"low_resolution": low_resolution}
