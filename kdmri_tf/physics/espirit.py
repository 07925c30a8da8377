"""Coil sensitivities by ESPIRiT, computed by sigpy: slower and better than at low resolution."""

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.physics.calibration import calibration_region
from kdmri_tf.physics.numpy_fourier import to_channels
from kdmri_tf.physics.sensitivities import with_image_phase
from kdmri_tf.physics.sigpy_convention import import_sigpy, to_sigpy

LARGEST_CALIBRATION = 24  # samples along each axis; more cost much time and change little


def espirit_sensitivities(
    kspace: NDArray[np.float32],
    mask: NDArray[np.float32],
    kernel_width: int = 6,
    threshold: float = 0.02,
    crop: float = 0.95,
    iterations: int = 100,
) -> NDArray[np.float32]:
    """Estimates the sensitivities of coils by ESPIRiT: one set of maps, 0 outside the body.

    The calibration region is a square: the shorter side of `calibration_region`, 24 samples at
    most. What the eigenvalue problem leaves open, a phase at every pixel, is chosen as in
    `low_resolution_sensitivities`, so that the maps may take the place of those.

    Args:
        kspace: float32 `(coils, H, W, 2)`, unshifted, ortho, 0 where not measured.
        mask: `(H, W)` of 0 and 1, unshifted.
        kernel_width: of the kernels in k-space, in samples.
        threshold: singular values of the calibration matrix below this share of the largest are
            noise.
        crop: where the largest eigenvalue is below this, the maps are 0; 0 keeps all.
        iterations: of the power method that finds the eigenvectors.

    Returns:
        float32 `(coils, H, W, 2)`; squares sum to 1 over coils, or to 0 where cropped.

    Raises:
        InputError: sigpy is not installed, or the mask has too small a centre.

    Source: Uecker et al., ESPIRiT (Magn Reson Med 2014).

    Example:
        >>> import numpy as np
        >>> from kdmri_tf import espirit_sensitivities
        >>> rng = np.random.default_rng(0)
        >>> kspace = rng.normal(size=(2, 16, 12, 2)).astype(np.float32)
        >>> espirit_sensitivities(kspace, np.ones((16, 12))).shape  # doctest: +SKIP
        (2, 16, 12, 2)
    """
    sigpy = import_sigpy("ESPIRiT")
    width = min(*calibration_region(mask), LARGEST_CALIBRATION)
    with np.errstate(divide="ignore", invalid="ignore"):  # where the first coil sees nothing
        maps = sigpy.mri.app.EspiritCalib(
            _without_scale(to_sigpy(kspace)),
            calib_width=width,
            thresh=threshold,
            kernel_width=kernel_width,
            crop=crop,
            max_iter=iterations,
            show_pbar=False,
        ).run()
    return with_image_phase(to_channels(np.nan_to_num(maps)), kspace, mask)


def _without_scale(kspace: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """Returns k-space over its maximum: sigpy would overflow or underflow in float32."""
    return kspace / (np.abs(kspace).max() or 1)
