"""Centred k-space, as raw files store it, to images."""

import numpy as np
from numpy.typing import NDArray

IN_PLANE = (-2, -1)


def images_of_kspace(kspace: NDArray) -> NDArray:
    """Returns the centred ortho inverse FFT over the last two axes.

    `fftshift(ifft2(ifftshift(kspace), norm="ortho"))`: zero frequency at index `(H // 2, W // 2)`
    of the k-space, image centre at the same index of the image.

    Args:
        kspace: complex `(..., H, W)`.

    Returns:
        Complex images `(..., H, W)` in the precision of `kspace`.

    Example:
        >>> kspace = np.zeros((4, 6), complex)
        >>> kspace[2, 3] = 1  # the zero frequency
        >>> np.unique(images_of_kspace(kspace).real.round(3)).tolist()
        [0.204]
    """
    image = np.fft.ifft2(np.fft.ifftshift(kspace, axes=IN_PLANE), axes=IN_PLANE, norm="ortho")
    return np.fft.fftshift(image, axes=IN_PLANE)


def combined_coils(images: NDArray) -> NDArray:
    """Returns sqrt(sum over coils of |image|^2), which is |image| for a single coil.

    Args:
        images: complex `(coils, H, W)`.

    Returns:
        Real magnitude image `(H, W)` in the precision of `images`.
    """
    magnitudes = np.abs(images)
    # Squares of small values would vanish in float32.
    return magnitudes[0] if len(magnitudes) == 1 else np.linalg.norm(magnitudes, axis=0)


def root_sum_of_squares(kspace: NDArray) -> NDArray:
    """Returns the `combined_coils` image `(H, W)` of centred k-space `(coils, H, W)`."""
    return combined_coils(images_of_kspace(kspace))
