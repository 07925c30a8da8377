"""Cartesian sampling masks: which phase-encode lines of k-space are measured.

A mask is a float32 NumPy array `(H, W)` of 0 and 1, unshifted (zero frequency at [0, 0]), constant
along the readout axis. The samplers draw whole lines along `axis`, the phase-encode axis.
"""

import warnings
from pathlib import Path

import numpy as np

from kdmri_tf.errors import InputError


def gaussian_mask(image_size, acceleration, center_lines=10, axis=0, seed=0):
    """The papers' variable-density mask.

    The `center_lines` lowest frequencies are always measured; the others are drawn without
    replacement with density `exp(-(i - N/2)^2 / (2 (N/10)^2)) + 1 / (2 acceleration)`, i the line
    counted from the most negative frequency, until int(N / acceleration) lines are measured.

    Args:
        image_size: (H, W).
        acceleration: nominal acceleration, at least 1.
        center_lines: number of lowest lines; counts towards the total.
        axis: phase-encode axis, 0 or 1.
        seed: the same seed gives the same mask.

    Returns:
        float32 `(H, W)`.

    Raises:
        InputError: the axis is neither 0 nor 1, `center_lines` or the acceleration is too small, or
            it leaves fewer lines than `center_lines`.

    Source: KD-MRI (2020) and its released masks; PSNR depends on the draw, so results name theirs.
    """
    num_lines, measured = _budget(image_size, acceleration, center_lines, axis)
    index = np.arange(num_lines)
    density = np.exp(-0.5 * ((index - num_lines / 2) / (num_lines / 10)) ** 2)
    density += 1 / (2 * acceleration)
    return _draw(image_size, measured, center_lines, axis, density, seed)


def uniform_mask(image_size, acceleration, center_lines=10, axis=0, seed=0):
    """Centre lines as in `gaussian_mask`, all other lines equally likely; same arguments."""
    num_lines, measured = _budget(image_size, acceleration, center_lines, axis)
    return _draw(image_size, measured, center_lines, axis, np.ones(num_lines), seed)


def equispaced_mask(image_size, acceleration, center_lines=10, axis=0, seed=0):
    """Centre lines, and the rest of the budget at equal spacing over the remaining lines.

    Arguments as in `gaussian_mask`; the seed chooses the offset of the comb.
    """
    num_lines, measured = _budget(image_size, acceleration, center_lines, axis)
    outer = np.setdiff1d(np.arange(num_lines), _center(num_lines, center_lines))
    lines = np.zeros(num_lines)
    lines[_center(num_lines, center_lines)] = 1
    extra = measured - center_lines
    if extra:
        spacing = len(outer) / extra
        offset = np.random.default_rng(seed).uniform(0, spacing)
        lines[outer[np.floor(offset + spacing * np.arange(extra)).astype(int) % len(outer)]] = 1
    return _spread(lines, image_size, axis)


SAMPLERS = {"gaussian": gaussian_mask, "uniform": uniform_mask, "equispaced": equispaced_mask}


def load_mask(path, image_size):
    """Reads a mask `(H, W)` of 0 and 1 from a .npy file, unshifted as the papers' own files are.

    Raises:
        InputError: the file is missing or no .npy array, holds other values than 0 and 1, or its
            shape is not `image_size`.
    """
    mask = check_mask(read_mask(path), image_size, name=f"mask {path}")
    warn_if_centered(mask, path)
    return mask


def warn_if_centered(mask, name):
    """Warns of a mask that does not measure the zero frequency, where it is to be."""
    if not mask[0, 0]:
        warnings.warn(
            f"The mask {name} does not measure the zero frequency, at [0, 0]; if it has that in "
            "the centre, give np.fft.ifftshift(mask).",
            stacklevel=3,
        )


def read_mask(path):
    """The array of a .npy file, whatever its shape and values.

    Raises:
        InputError: the file is missing or no .npy array.
    """
    if not Path(path).is_file():
        raise InputError(
            f"There is no mask file {path}; give a .npy file or one of {', '.join(SAMPLERS)}."
        )
    try:
        with open(path, "rb") as file:
            return np.lib.format.read_array(file, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise InputError(f"The mask file {path} is not a readable .npy array ({error}).") from error


def check_mask(mask, image_size, name="mask"):
    """Returns the mask as float32 `(H, W)` if it can undersample images of `image_size`.

    Raises:
        InputError: wrong shape, values other than 0 and 1, or nothing measured.
    """
    mask = np.asarray(mask)
    if mask.shape != tuple(image_size):
        raise InputError(
            f"The {name} has shape {mask.shape}, but the images have shape {tuple(image_size)}; "
            "use a mask made for this image size."
        )
    if not np.isin(mask, (0, 1)).all():
        raise InputError(f"The {name} must hold 0 (not measured) and 1 (measured) only.")
    if not mask.any():
        raise InputError(f"The {name} measures nothing: all its values are 0.")
    return mask.astype(np.float32)


def center_window(image_size, size):
    """Mask of the h x w lowest frequencies: along an axis n of them from -(n // 2) upwards.

    Args:
        image_size: (H, W).
        size: (h, w).

    Returns:
        float32 `(H, W)` of 0 and 1, unshifted.
    """
    window = np.zeros(image_size, np.float32)
    window[np.ix_(*map(lowest_frequencies, image_size, size))] = 1
    return window


def lowest_frequencies(length, count):
    """Where the lowest frequencies stand in an unshifted FFT; in the order of one of `count`."""
    return np.r_[0 : count - count // 2, length - count // 2 : length]


def kept_size(image_size, scale):
    """(h, w): 1 / scale of the frequencies along each axis, rounded.

    Raises:
        InputError: the scale is below 1, not finite, or leaves nothing.
    """
    check_scale(scale)
    size = tuple(round(side / scale) for side in image_size)
    if min(size) < 1:
        raise InputError(
            f"Scale {scale:g} leaves nothing of images of {image_size[0]}x{image_size[1]} pixels; "
            "choose a smaller one."
        )
    return size


def check_scale(scale):
    """Refuses a scale of super-resolution that is not finite or below 1 with an InputError."""
    if not 1 <= scale < np.inf:
        raise InputError(f"The scale must be a finite number, at least 1; got {scale}.")


def true_acceleration(mask):
    """All k-space samples over measured samples; close to the nominal acceleration."""
    mask = np.asarray(mask)
    return float(mask.size / mask.sum())


def phase_encode_axis(mask):
    """0 if the mask measures whole rows, 1 if whole columns (also if everything), None if neither.

    Args:
        mask: `(H, W)`.
    """
    if (mask == mask[:1]).all():
        return 1
    return 0 if (mask == mask[:, :1]).all() else None


def _budget(image_size, acceleration, center_lines, axis):
    if axis not in (0, 1):
        raise InputError(f"The phase-encode axis must be 0 or 1, not {axis}.")
    if center_lines < 0:
        raise InputError(f"The number of centre lines must be at least 0, not {center_lines}.")
    num_lines = image_size[axis]
    if not acceleration >= 1:
        raise InputError(f"The acceleration must be at least 1, not {acceleration}.")
    measured = int(num_lines / acceleration)
    if measured < center_lines:
        raise InputError(
            f"Acceleration {acceleration:g} leaves {measured} of {num_lines} lines, fewer than the "
            f"{center_lines} centre lines; lower the acceleration or bring a mask of your own."
        )
    return num_lines, measured


def _center(num_lines, center_lines):
    """Indices of the lowest frequencies, lines counted from the most negative frequency."""
    start = num_lines // 2 - center_lines // 2
    return np.arange(start, start + center_lines)


def _draw(image_size, measured, center_lines, axis, density, seed):
    num_lines = image_size[axis]
    center = _center(num_lines, center_lines)
    density = density.copy()
    density[center] = 0
    lines = np.zeros(num_lines)
    lines[center] = 1
    if measured > center_lines:
        generator = np.random.default_rng(seed)
        probability = density / density.sum()
        drawn = generator.choice(
            num_lines, measured - center_lines, replace=False, p=probability, shuffle=False
        )
        lines[drawn] = 1
    return _spread(lines, image_size, axis)


def _spread(lines, image_size, axis):
    """Unshifts the lines and repeats them along the readout axis."""
    lines = np.fft.ifftshift(lines).astype(np.float32)
    column = lines[:, np.newaxis] if axis == 0 else lines[np.newaxis, :]
    return np.ascontiguousarray(np.broadcast_to(column, image_size))
