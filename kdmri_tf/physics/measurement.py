"""The formula of undersampling, for TensorFlow and NumPy alike.

Networks are trained in TensorFlow, files are reconstructed without it, and both must measure the
same samples. So the formula stands here once, and is given the FFT of either library:
`kdmri_tf.physics.fourier` or `kdmri_tf.physics.numpy_fourier`.
"""

from typing import Any, Protocol

import numpy as np

Array = Any  # a NumPy array or a tensor: both have the operators that are used here


class Fourier(Protocol):
    """Takes images to k-space and back: the two modules above."""

    def image_to_kspace(self, image: Array) -> Array:
        """Returns F x, float32 `(..., H, W, 2)`, of images `(..., H, W, 1)`."""

    def kspace_to_magnitude(self, kspace: Array) -> Array:
        """Returns |F^-1 y|, float32 `(..., H, W, 1)`, of k-space `(..., H, W, 2)`."""


def measured_kspace(image: Array, mask: Array, fourier: Fourier) -> Array:
    """Returns the measured k-space M F x: the image's k-space, zero where the mask is 0.

    Args:
        image: `(..., H, W, 1)`.
        mask: `(H, W)` or `(..., H, W)` of 0 and 1, unshifted.
        fourier: the library that computes it.

    Returns:
        float32 `(..., H, W, 2)`: (real, imaginary), unshifted, ortho normalised.

    Example:
        >>> import numpy as np
        >>> from kdmri_tf.physics import numpy_fourier
        >>> image, mask = np.ones((4, 4, 1)), np.eye(4)
        >>> measured_kspace(image, mask, numpy_fourier)[0, 0].tolist()
        [4.0, 0.0]
    """
    return fourier.image_to_kspace(image) * mask[..., np.newaxis]


def zero_filled_image(image: Array, mask: Array, fourier: Fourier) -> Array:
    """Returns |F^-1 M F x|: what can be seen of the image in its measured samples alone.

    Arguments as for `measured_kspace`.

    Returns:
        float32 `(..., H, W, 1)`.
    """
    return fourier.kspace_to_magnitude(measured_kspace(image, mask, fourier))
