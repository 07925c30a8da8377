"""Centred k-space, as raw files store it, to magnitude images."""

import numpy as np

IN_PLANE = (-2, -1)


def magnitude_from_kspace(kspace: np.ndarray) -> np.ndarray:
    """Return |centred ortho inverse FFT| over the last two axes.

    `|fftshift(ifft2(ifftshift(kspace), norm="ortho"))|`: zero frequency at index `(H // 2, W // 2)`
    of the k-space, image centre at the same index of the image.

    Args:
        kspace: complex `(..., H, W)`.

    Returns:
        Real magnitude `(..., H, W)` in the precision of `kspace`.
    """
    image = np.fft.ifft2(np.fft.ifftshift(kspace, axes=IN_PLANE), axes=IN_PLANE, norm="ortho")
    return np.abs(np.fft.fftshift(image, axes=IN_PLANE))


def root_sum_of_squares(kspace: np.ndarray) -> np.ndarray:
    """Combine the coils of centred k-space into one image: sqrt(sum over coils of |image|^2).

    Args:
        kspace: complex `(coils, H, W)`, centred.

    Returns:
        Real magnitude image `(H, W)`.
    """
    return np.linalg.norm(magnitude_from_kspace(kspace), axis=0)
