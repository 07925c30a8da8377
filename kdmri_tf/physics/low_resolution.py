"""Low resolution: only the centre of k-space is kept, and the image is blurred."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from scipy import ndimage

from kdmri_tf.physics import fourier
from kdmri_tf.physics.degradation import Baselines, Degradation, check_images
from kdmri_tf.physics.low_frequencies import (
    center_window,
    check_scale,
    kept_size,
    lowest_frequencies,
)
from kdmri_tf.physics.measurement import zero_filled_image


def lower_resolution(image: tf.Tensor, size: Sequence[int]) -> tf.Tensor:
    """Returns |F^-1 M F x| with M the centre of k-space: the image blurred, at its own size.

    Args:
        image: float32 `(batch, H, W, 1)`, H and W known.
        size: (h, w), the lowest frequencies that are kept along each axis, as in `center_window`.

    Returns:
        float32 `(batch, H, W, 1)`.

    Source: KD-MRI (2020), section 3: the centre 64x64 of 256x256, zero-filled.
    """
    return zero_filled_image(image, center_window(tuple(image.shape[1:3]), size), fourier)


def bicubic(image: tf.Tensor, size: Sequence[int]) -> NDArray[np.float32]:
    """Returns the h x w image of the centre of k-space, enlarged by bicubic splines.

    ::

        small = sqrt(h w / (H W)) |F_hw^-1 C F_HW x|

    F the ortho FFTs of both sizes, C the cut of the h x w lowest frequencies; the factor keeps
    intensities as they are. Pixel (i, j) of the small image lies at (i H / h, j W / w) of x.
    Between pixels runs the cubic spline through them, periodic as the FFT is (`scipy.ndimage`,
    order 3, mode "grid-wrap").

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


@dataclass(frozen=True)
class LowResolution(Degradation):
    """Keeps the centre of k-space: 1 / scale of the frequencies along each axis, rounded.

    Attributes:
        scale: at least 1; 4 keeps 64x64 of 256x256.

    Raises:
        InputError: the scale is not finite or below 1.

    Example:
        >>> import tensorflow as tf
        >>> from kdmri_tf import LowResolution
        >>> low_resolution = LowResolution(scale=4)
        >>> low_resolution.kept_size((256, 256))
        (64, 64)
        >>> blurred = low_resolution.apply(tf.ones((1, 16, 16, 1)))["low_resolution"]
        >>> tuple(blurred.shape)
        (1, 16, 16, 1)
    """

    scale: float = 4.0

    input_specification: ClassVar[dict[str, tf.TensorSpec]] = {
        "low_resolution": tf.TensorSpec((None, None, None, 1), tf.float32, name="low_resolution")
    }
    measurement: ClassVar[str] = "low_resolution"
    origin: ClassVar[str] = "centre of k-space"

    def __post_init__(self) -> None:
        check_scale(self.scale)

    @classmethod
    def example(cls, image_size: Sequence[int]) -> Self:
        """Returns the papers' scale, 4."""
        return cls(4)

    @property
    def label(self) -> str:
        """The scale, such as "4x super-resolution"."""
        return f"{self.scale:g}x super-resolution"

    @property
    def baselines(self) -> Baselines:
        """The blurred image, and a small one enlarged by bicubic splines."""
        return {
            "zero-filled": lambda inputs, image: inputs["low_resolution"],
            "bicubic": lambda inputs, image: bicubic(image, self.kept_size(image.shape[1:3])),
        }

    def kept_size(self, image_size: Sequence[int]) -> tuple[int, int]:
        """Returns (h, w), how many frequencies are kept along each axis.

        Raises:
            InputError: nothing is left of images of this size.
        """
        return kept_size(image_size, self.scale)

    def sampled(self, image_size: Sequence[int]) -> NDArray[np.float32]:
        """Returns the mask of the frequencies that are kept; errors as for `kept_size`."""
        return center_window(image_size, self.kept_size(image_size))

    def apply(  # type: ignore[override]  # names the input that may be known
        self, image: tf.Tensor, low_resolution: tf.Tensor | None = None
    ) -> dict[str, tf.Tensor]:
        """Returns `low_resolution`, float32 `(batch, H, W, 1)`.

        Args:
            image: float32 `(batch, H, W, 1)`, H and W known.
            low_resolution: computed earlier from these images.

        Raises:
            InputError: images of another shape, or of which nothing would be left.
        """
        check_images(image)
        if low_resolution is None:
            low_resolution = lower_resolution(image, self.kept_size(image.shape[1:3]))
        return {"low_resolution": low_resolution}
