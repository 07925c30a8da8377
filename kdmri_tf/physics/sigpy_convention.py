"""sigpy's convention of k-space: the zero frequency in the centre, and so the image's origin.

kdmri_tf has both at [0, 0]: y = F x with F = fft2. sigpy has fftshift(fft2(ifftshift(x))) of the
same image x. Both are ortho, so images, sensitivities and weights of regularisation are the same.
"""

import importlib
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.errors import InputError
from kdmri_tf.physics.numpy_fourier import IN_PLANE, to_complex


def import_sigpy(purpose: str) -> ModuleType:
    """Imports sigpy with its `mri` package, which takes a second.

    Args:
        purpose: what it is needed for; begins the message.

    Raises:
        InputError: it is not installed.
    """
    try:
        importlib.import_module("sigpy.mri")
        return importlib.import_module("sigpy")
    except ImportError as error:
        raise InputError(
            f"{purpose} needs sigpy, which is not installed: run pip install sigpy."
        ) from error


def to_sigpy(kspace: NDArray[np.float32]) -> NDArray[np.complex64]:
    """Returns k-space by sigpy's convention.

    Args:
        kspace: float32 `(..., H, W, 2)`, unshifted, ortho.

    Returns:
        complex64 `(..., H, W)`, centred.

    Example:
        >>> image = np.arange(6.0).reshape(2, 3)
        >>> kspace = np.fft.fft2(image, norm="ortho")
        >>> centred = to_sigpy(np.stack([kspace.real, kspace.imag], axis=-1))
        >>> shifted = np.fft.ifft2(np.fft.ifftshift(centred), norm="ortho")
        >>> np.fft.fftshift(shifted).real.round(3).tolist()
        [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    """
    image = np.fft.ifft2(to_complex(kspace), axes=IN_PLANE, norm="ortho")
    centred = np.fft.ifftshift(image, axes=IN_PLANE)
    transformed = np.fft.fft2(centred, axes=IN_PLANE, norm="ortho")
    return np.fft.fftshift(transformed, axes=IN_PLANE).astype(np.complex64)


def mask_to_sigpy(mask: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns an unshifted mask `(H, W)` centred."""
    return np.fft.fftshift(mask, axes=IN_PLANE)
