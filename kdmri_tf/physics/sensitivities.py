"""Coil sensitivities from what is measured around the zero frequency, quickly."""

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.physics import numpy_fourier
from kdmri_tf.physics.calibration import calibration_window
from kdmri_tf.physics.numpy_fourier import to_channels, to_complex
from kdmri_tf.physics.real_numbers import check_real

Array = Any  # a NumPy array or a tensor

# Of the brightest pixel's energy; what is below is rounding.
LEAST_ENERGY = 1e-30


def low_resolution_sensitivities(kspace: Array, mask: Array) -> Array:
    """Estimates the sensitivities of coils: low-resolution images over their root sum of squares.

        S_c = x_c / sqrt(sum over coils of |x_c|^2),   x_c = F^-1 w y_c,

    w a cosine window over the calibration region, see `calibration_window`. The squares sum to 1
    wherever there is anything, also in noise, and S is 0 where there is nothing. S also takes the
    smooth part of the image's phase, so that the combined image sum of conj(S_c) F^-1 y_c is almost
    real. The sensitivity of a single coil is this phase alone, of modulus 1.

    NumPy arrays are computed by NumPy, without TensorFlow, and tensors by TensorFlow, also inside
    graphs in which no size is known. `kdmri_tf.calibration_region` says in advance whether a mask
    measures enough.

    Args:
        kspace: float32 `(..., coils, H, W, 2)`, unshifted, ortho, 0 where not measured.
        mask: float32 `(..., H, W)` of 0 and 1, unshifted.

    Returns:
        float32 of the shape of kspace.

    Source: McKenzie et al., Self-calibrating parallel imaging (Magn Reson Med 2002).

    Example:
        >>> import numpy as np
        >>> from kdmri_tf import low_resolution_sensitivities
        >>> kspace = np.zeros((2, 16, 16, 2), np.float32)
        >>> kspace[:, 0, 0, 0] = 3, 4  # two coils that see a constant image
        >>> low_resolution_sensitivities(kspace, np.ones((16, 16), np.float32))[:, 5, 7, 0].round(3)
        array([0.6, 0.8], dtype=float32)
    """
    library, _ = _libraries(kspace)
    return normalized(low_resolution_images(kspace, mask), library)


def with_image_phase(
    sensitivities: NDArray[np.float32], kspace: NDArray[np.float32], mask: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Turns maps from elsewhere so that they take the smooth part of the image's phase.

    Maps are known but for a phase at every pixel that all coils share. It is chosen as in
    `low_resolution_sensitivities`, which networks are trained with: the image that is combined at
    low resolution, sum of conj(S_c) x_c, gets real and positive. Where it is 0, the maps stay as
    they are.

    Args:
        sensitivities: float32 `(..., coils, H, W, 2)`.
        kspace: float32 `(..., coils, H, W, 2)`, unshifted, ortho, 0 where not measured.
        mask: float32 `(..., H, W)` of 0 and 1, unshifted.

    Returns:
        float32 of the shape of the sensitivities.
    """
    maps = to_complex(sensitivities)
    image = combined(to_complex(low_resolution_images(kspace, mask)), maps)
    return to_channels(maps * np.exp(1j * np.angle(image))[..., np.newaxis, :, :])


def combined(
    images: NDArray[np.complexfloating], sensitivities: NDArray[np.complexfloating]
) -> NDArray[np.complexfloating]:
    """Returns sum over coils of conj(S_c) x_c: complex `(..., coils, H, W)` to `(..., H, W)`."""
    return (sensitivities.conj() * images).sum(axis=-3)


def normalized(images: Array, library: ModuleType = np) -> Array:
    """Divides images of coils by their root sum of squares; 0 where all of them are 0.

    Args:
        images: float32 `(..., coils, H, W, 2)`.
        library: `numpy` or `kdmri_tf.physics.numpy_names`.

    Returns:
        float32 of the same shape, whose squares sum to 1 over coils and (real, imaginary).
    """
    # Squares of small values would vanish in float32.
    peak = library.max(library.abs(images), (-4, -3, -2, -1), keepdims=True)
    images = images / library.where(peak > 0, peak, library.ones_like(peak))
    energy = library.sum(images**2, (-4, -1), keepdims=True)
    nothing = np.inf * library.ones_like(energy)
    return images / library.sqrt(library.where(energy > LEAST_ENERGY, energy, nothing))


def low_resolution_images(kspace: Array, mask: Array) -> Array:
    """Returns the coils' images F^-1 w y, see `low_resolution_sensitivities`.

    Args:
        kspace: float32 `(..., coils, H, W, 2)`, unshifted, ortho, 0 where not measured.
        mask: float32 `(..., H, W)` of 0 and 1, unshifted.

    Returns:
        float32 of the shape of kspace.
    """
    check_real(kspace, "kspace")
    check_real(mask, "mask")
    library, fourier = _libraries(kspace)
    window = calibration_window(mask, library)[..., np.newaxis, :, :, np.newaxis]
    return fourier.kspace_to_image(kspace * window)


def _libraries(kspace: Array) -> tuple[ModuleType, ModuleType]:
    """Returns the modules of functions and of the FFT for this kind of array."""
    if isinstance(kspace, np.ndarray):
        return np, numpy_fourier
    from kdmri_tf.physics import fourier, numpy_names  # not needed without tensors

    return numpy_names, fourier
