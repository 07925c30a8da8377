"""Images to k-space and back in NumPy, by the convention of `kdmri_tf.physics.fourier`.

Files are reconstructed with this on computers that have no TensorFlow.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kdmri_tf.physics.real_numbers import check_real

IN_PLANE = (-2, -1)


def image_to_kspace(image: ArrayLike) -> NDArray[np.float32]:
    """Computes the k-space F x of real or complex images x.

    Args:
        image: `(..., H, W, 1)`.

    Returns:
        float32 `(..., H, W, 2)`: (real, imaginary), unshifted, ortho normalised.

    Example:
        >>> image_to_kspace(np.ones((2, 2, 1)))[..., 0].tolist()
        [[2.0, 0.0], [0.0, 0.0]]
    """
    kspace = np.fft.fft2(np.asarray(image)[..., 0], axes=IN_PLANE, norm="ortho")
    return to_channels(kspace)


def kspace_to_magnitude(kspace: NDArray[np.float32]) -> NDArray[np.float32]:
    """Computes the magnitude image |F^-1 y|; of masked k-space, the zero-filled reconstruction.

    Args:
        kspace: float32 `(..., H, W, 2)`, unshifted, ortho normalised.

    Returns:
        float32 `(..., H, W, 1)`.
    """
    image = np.fft.ifft2(to_complex(kspace), axes=IN_PLANE, norm="ortho")
    return np.abs(image)[..., np.newaxis].astype(np.float32)


def kspace_to_image(kspace: NDArray[np.float32]) -> NDArray[np.float32]:
    """Computes the complex images F^-1 y.

    Args:
        kspace: float32 `(..., H, W, 2)`, unshifted, ortho normalised.

    Returns:
        float32 of the same shape: (real, imaginary).
    """
    return to_channels(np.fft.ifft2(to_complex(kspace), axes=IN_PLANE, norm="ortho"))


def to_complex(channels: NDArray[np.float32]) -> NDArray[np.complexfloating]:
    """Turns `(..., 2)` (real, imaginary) into complex `(...)` of the same precision."""
    check_real(channels, "What has its real and imaginary part as the last axis")
    return channels[..., 0] + 1j * channels[..., 1]


def to_channels(values: NDArray[np.complexfloating]) -> NDArray[np.float32]:
    """Turns complex `(...)` into float32 `(..., 2)` (real, imaginary)."""
    return np.stack([values.real, values.imag], axis=-1).astype(np.float32)
