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


def unshifted_kspace(kspace: NDArray) -> NDArray:
    """Returns the unshifted k-space of the same image: `fft2(images_of_kspace(kspace))`.

    No FFT is needed: moving the image centre from `n // 2` to 0 turns the phase of frequency k by
    `2 pi k (n // 2) / n`, which for even n is a change of sign at odd k. So zeros stay zeros.

    Args:
        kspace: complex `(..., H, W)`, centred, see `images_of_kspace`.

    Returns:
        Complex `(..., H, W)`, zero frequency at [0, 0].

    Example:
        >>> image = np.arange(30.0).reshape(5, 6)
        >>> centred = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(image), norm="ortho"))
        >>> np.allclose(np.fft.ifft2(unshifted_kspace(centred), norm="ortho"), image)
        True
    """
    rows, columns = map(_turned, kspace.shape[-2:])
    turned = np.fft.ifftshift(kspace, axes=IN_PLANE) * np.outer(rows, columns)
    return turned.astype(kspace.dtype, copy=False)


def _turned(length: int) -> NDArray[np.complexfloating]:
    """Returns by which complex number each frequency of an axis is multiplied."""
    turns = np.arange(length) * (length // 2) % length / length
    return np.exp(-2j * np.pi * turns)


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
