"""How near a reconstruction comes to the fully sampled image: PSNR, SSIM, NMSE and HFN.

The four functions take one volume, (slices, H, W), target first, and compute in float64, in NumPy.
A volume has one data range, the maximum of its target.
"""

import numpy as np
from scipy.ndimage import laplace
from skimage.metrics import structural_similarity

from kdmri_tf.errors import InputError
from kdmri_tf.physics.real_numbers import check_real

SSIM_WINDOW = 7


def psnr(target: np.ndarray, prediction: np.ndarray) -> float:
    """Computes the peak signal-to-noise ratio in dB; its peak is the maximum of the target.

    10 log10(max(target)^2 / mean((target - prediction)^2)).

    Args:
        target: fully sampled volume (slices, H, W).
        prediction: reconstructed volume of the same shape.

    Returns:
        The ratio over all pixels of the volume; infinity when both volumes are equal.

    Raises:
        InputError: the shapes differ or are not those of a volume, a value is complex or not
            finite, or the target has no positive value.
    """
    target, prediction = _checked_volumes(target, prediction)
    mean_squared_error = np.mean((target - prediction) ** 2)
    if mean_squared_error == 0:
        return float("inf")
    return float(10 * np.log10(target.max() ** 2 / mean_squared_error))


def ssim(target: np.ndarray, prediction: np.ndarray) -> float:
    """Computes the structural similarity (Wang et al. 2004), the mean over all slices.

    scikit-image's `structural_similarity` with the slices as channels, the maximum of the target
    volume as data range and its other defaults (uniform 7x7 window, K1 = 0.01, K2 = 0.03).

    Raises:
        InputError: as `psnr`, and when a slice is smaller than the window.
    """
    target, prediction = _checked_volumes(target, prediction)
    if min(target.shape[1:]) < SSIM_WINDOW:
        raise InputError(
            f"SSIM needs slices of at least {SSIM_WINDOW}x{SSIM_WINDOW} pixels, but these have "
            f"{target.shape[1]}x{target.shape[2]}."
        )
    similarity = structural_similarity(
        np.moveaxis(target, 0, -1),
        np.moveaxis(prediction, 0, -1),
        data_range=target.max(),
        channel_axis=-1,
    )
    return float(similarity)


def nmse(target: np.ndarray, prediction: np.ndarray) -> float:
    """Computes the normalised mean squared error, ||target - prediction||^2 / ||target||^2.

    Raises:
        InputError: as `psnr`.
    """
    target, prediction = _checked_volumes(target, prediction)
    return float(np.sum((target - prediction) ** 2) / np.sum(target**2))


def hfn(target: np.ndarray, prediction: np.ndarray) -> float:
    """Computes the high frequency error norm (KD-MRI): slice by slice ||L t - L p||^2 / ||L t||^2.

    L is the five-point Laplace operator within the slice, its border mirrored (mode "reflect" of
    `scipy.ndimage`); the prediction p is clipped to [0, 1] first. A slice whose target t is
    constant has no high frequencies and is left out of the mean.

    Raises:
        InputError: as `psnr`, and when every slice of the target is constant.
    """
    target, prediction = _checked_volumes(target, prediction)
    ratios = []
    for target_slice, prediction_slice in zip(target, np.clip(prediction, 0, 1), strict=True):
        target_edges = laplace(target_slice, mode="reflect")
        energy = np.sum(target_edges**2)
        if energy > 0:
            error = target_edges - laplace(prediction_slice, mode="reflect")
            ratios.append(np.sum(error**2) / energy)
    if not ratios:
        raise InputError("HFN is undefined: every slice of the target is constant.")
    return float(np.mean(ratios))


VOLUME_METRICS = {"psnr": psnr, "ssim": ssim, "nmse": nmse, "hfn": hfn}


def _checked_volumes(target: np.ndarray, prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns both volumes in float64, or raises InputError where no metric is defined."""
    for role, volume in (("The target", target), ("The prediction", prediction)):
        check_real(volume, role)
    target, prediction = np.asarray(target, np.float64), np.asarray(prediction, np.float64)
    if target.shape != prediction.shape:
        raise InputError(
            f"The target has shape {target.shape} and the prediction {prediction.shape}: shapes "
            "must be equal."
        )
    if target.ndim != 3 or target.size == 0:
        raise InputError(f"A volume must have the shape (slices, H, W), not {target.shape}.")
    for role, volume in (("target", target), ("prediction", prediction)):
        if not np.isfinite(volume).all():
            raise InputError(f"The {role} holds NaN or infinity: metrics need finite values.")
    if target.max() <= 0:
        raise InputError("The target is blank: no metric is defined without a positive value.")
    return target, prediction
