"""Gaps between the measured samples of k-space, which make an image alias."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.errors import InputError

# The share of the samples between measured ones that may be missing: a line or two do no harm.
LARGEST_GAP_SHARE = 0.1


def refuse_gaps(samples: NDArray[np.bool_], path: Path | str, name: str) -> None:
    """Refuses a slice whose image would be aliased.

    Args:
        samples: bool `(H, W)`, unshifted, true where measured.
        path: its file.
        name: of its slice, such as "slice 3", counted from 0.

    Raises:
        InputError: more than a tenth of the samples between measured ones are missing, see
            `gap_share`.
    """
    gaps = gap_share(samples)
    if gaps > LARGEST_GAP_SHARE:
        raise InputError(
            f"{path}: {name} (the first is 0) is undersampled, {gaps:.0%} of its samples "
            "between measured ones are 0, so its image is aliased; give fully sampled k-space, or "
            "reconstruct the file as it is, without --acc and --mask."
        )


def gap_share(samples: NDArray[np.bool_]) -> float:
    """Returns the share of the samples between measured ones that are missing.

    A sample is between measured ones if there are some on both sides of it along H or along W.
    Zeros at the edges of k-space, from zero-padding or partial Fourier, only lower the resolution.

    Args:
        samples: bool `(H, W)`, unshifted, true where measured.

    Returns:
        0 to 1; 0 if nothing is measured.

    Example:
        >>> samples = np.ones((8, 8), bool)
        >>> samples[1::2] = False  # every other row, but none after the last measured one
        >>> round(gap_share(np.fft.ifftshift(samples)), 2)
        0.43
    """
    samples = np.fft.fftshift(samples)
    return _share_missing(samples, _between(samples, 0) | _between(samples, 1))


def gap_share_of_readout(samples: NDArray[np.bool_]) -> float:
    """Returns the share that is missing along H between measured samples of the same line."""
    samples = np.fft.fftshift(samples)
    return _share_missing(samples, _between(samples, 0))


def _between(samples: NDArray[np.bool_], axis: int) -> NDArray[np.bool_]:
    before = np.logical_or.accumulate(samples, axis)
    after = np.flip(np.logical_or.accumulate(np.flip(samples, axis), axis), axis)
    return before & after


def _share_missing(samples: NDArray[np.bool_], between: NDArray[np.bool_]) -> float:
    return float(1 - samples.sum() / between.sum()) if samples.any() else 0.0
