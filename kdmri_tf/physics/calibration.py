"""The calibration region: the part of k-space around zero frequency that is measured gaplessly.

Coil sensitivities are estimated from it. Training finds it in TensorFlow, inside graphs and for a
mask each, reconstruction of files in NumPy: the formulas stand here once, and are given either
`numpy` or `kdmri_tf.physics.numpy_names`, which has TensorFlow's functions by the same names.
"""

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kdmri_tf.errors import InputError
from kdmri_tf.physics.masks import mask_array, phase_encode_axis

Array = Any  # a NumPy array or a tensor

# Fewer lines than this do not tell coils apart: CG-SENSE of a brain of 8 coils, 4x, loses
# 1.5 dB from 24 lines to 8, and 2 dB more to 6.
FEWEST_LINES = 8
# What is measured unless the user asks for something else, and its largest share of all lines
# that are measured.
USUAL_LINES = 24
LARGEST_SHARE = 2 / 3
# The longer side of the window over its shorter one, at most: maps are smooth along both axes.
LONGEST_SIDE = 2


def calibration_region(mask: ArrayLike) -> tuple[int, int]:
    """Finds the largest gapless block around the zero frequency, the shorter side counting first.

    A block of n lines reaches from frequency -(n // 2) upwards. Of a mask of whole lines it is as
    long as the readout.

    Args:
        mask: `(H, W)` of 0 and 1, unshifted.

    Returns:
        (height, width) in samples.

    Raises:
        InputError: one of them is below `FEWEST_LINES`, too few for coil sensitivities; or the
            mask has the zero frequency in the centre, or is not `(H, W)`.

    Example:
        >>> from kdmri_tf import calibration_region, gaussian_mask
        >>> calibration_region(gaussian_mask((150, 120), acceleration=4, center_lines=24))
        (24, 120)
    """
    mask = mask_array(mask)
    if mask.ndim != 2:
        raise InputError(f"A mask must have the shape (H, W), not {mask.shape}.")
    height, width = _region(mask)
    if min(height, width) >= FEWEST_LINES:
        return height, width
    if min(_region(np.fft.ifftshift(mask))) >= FEWEST_LINES:
        raise InputError(
            "The mask has the zero frequency in the centre, where it belongs at [0, 0]: use "
            "np.fft.ifftshift(mask)."
        )
    raise InputError(
        f"The mask measures {_in_words(mask, height, width)} around the zero frequency without a "
        f"gap, but the sensitivities of coils are estimated from at least {FEWEST_LINES}: draw a "
        "mask with more of them (--center-lines 24; in code center_lines=24), or, where a file is "
        "reconstructed, give its maps (--sensitivities maps.npy; in code sensitivities)."
    )


def usual_center_lines(num_lines: int, acceleration: float) -> int:
    """Returns how many centre lines a drawn mask measures for coils, unless the user says so.

    Args:
        num_lines: of the image along the phase encode.
        acceleration: nominal.

    Example:
        >>> usual_center_lines(256, 4), usual_center_lines(150, 8)
        (24, 12)
    """
    return min(USUAL_LINES, int(LARGEST_SHARE * num_lines / acceleration))


def describe(mask: ArrayLike) -> str:
    """Says in words what coil sensitivities are estimated from.

    Raises:
        InputError: as `calibration_region`.

    Example:
        >>> from kdmri_tf import gaussian_mask
        >>> describe(gaussian_mask((150, 120), acceleration=4, center_lines=24))
        'coil sensitivities from the 24 lowest of 150 lines'
    """
    mask = mask_array(mask)
    return f"coil sensitivities from the {_in_words(mask, *calibration_region(mask), of=True)}"


def region_sides(mask: Array, library: ModuleType) -> tuple[Array, Array]:
    """Returns height and width of the calibration region, also inside graphs; 0 where none is.

    A block is gapless if as many of its samples are measured as it has.

    Args:
        mask: float32 `(..., H, W)` of 0 and 1, unshifted.
        library: `numpy` or `kdmri_tf.physics.numpy_names`.

    Returns:
        Two float32 `(...)`.
    """
    for axis in (-2, -1):
        mask = library.take(mask, _outwards(library.shape(mask)[axis], library), axis=axis)
    ones, zeros = library.ones_like(mask), library.zeros_like(mask)
    heights, widths = library.cumsum(ones, -2), library.cumsum(ones, -1)
    gapless = library.cumsum(library.cumsum(mask, -2), -1) == heights * widths
    shorter = library.where(gapless, library.minimum(heights, widths), zeros)
    side = library.max(shorter, (-2, -1))
    fits = gapless & (shorter == side[..., np.newaxis, np.newaxis])
    height = library.max(library.where(fits, heights, zeros), (-2, -1))
    width = library.max(library.where(fits, widths, zeros), (-2, -1))
    upright = height >= width
    return library.where(upright, height, side), library.where(upright, side, width)


def calibration_window(mask: Array, library: ModuleType) -> Array:
    """Returns the weights that make low-resolution images of the calibration region.

    cos(pi k / n) along both axes for the frequencies |k| < n / 2, where n is the side of the
    region; the longer side counts as twice the shorter one at most. Everything is 0 where the mask
    does not measure the zero frequency.

    Args:
        mask: float32 `(..., H, W)` of 0 and 1, unshifted.
        library: `numpy` or `kdmri_tf.physics.numpy_names`.

    Returns:
        float32 `(..., H, W)`.
    """
    height, width = region_sides(mask, library)
    height, width = (
        library.minimum(height, LONGEST_SIDE * width),
        library.minimum(width, LONGEST_SIDE * height),
    )
    size = library.shape(mask)
    rows = _taper(size[-2], height[..., np.newaxis], library)
    columns = _taper(size[-1], width[..., np.newaxis], library)
    return rows[..., np.newaxis] * columns[..., np.newaxis, :]


def _region(mask: np.ndarray) -> tuple[int, int]:
    height, width = region_sides(mask.astype(np.float32), np)
    return int(height), int(width)


def _outwards(length: Array, library: ModuleType) -> Array:
    """Returns where the frequencies 0, -1, 1, -2, 2 ... of an unshifted FFT are."""
    index = library.arange(length)
    return library.where(index % 2 == 0, index // 2, length - (index + 1) // 2)


def _taper(length: Array, side: Array, library: ModuleType) -> Array:
    """Returns cos(pi k / side) of the frequencies |k| < side / 2, 0 elsewhere: `(..., length)`."""
    index = library.arange(length, dtype="float32")
    frequency = library.minimum(index, library.max(index) + 1 - index)
    taper = library.cos(np.float32(np.pi) * frequency / library.maximum(side, 1.0))
    return library.where(2 * frequency < side, taper, library.zeros_like(taper))


def _in_words(mask: np.ndarray, height: int, width: int, of: bool = False) -> str:
    """Returns "24 lowest of 150 lines", or "24x20 lowest of 150x120 frequencies"."""
    axis = None if min(height, width) == 0 else phase_encode_axis(mask)
    if axis is None:
        number, total, kind = f"{height}x{width}", "{}x{}".format(*mask.shape), "frequencies"
    else:
        lines = (height, width)[axis]
        number, total, kind = str(lines), str(mask.shape[axis]), "line" if lines == 1 else "lines"
    return f"{number} lowest of {total} {kind}" if of else f"{number} {kind}"
