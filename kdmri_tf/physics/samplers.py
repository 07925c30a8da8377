"""Cartesian masks that are drawn: which phase-encode lines of k-space are measured.

A mask is a float32 NumPy array `(H, W)` of 0 and 1, unshifted (zero frequency at [0, 0]), constant
along the readout axis. The samplers draw whole lines along `axis`, the phase-encode axis.
"""

import numbers
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.errors import InputError
from kdmri_tf.sizes import image_size_of


def gaussian_mask(
    image_size: Sequence[int],
    acceleration: float,
    center_lines: int = 10,
    axis: int = 0,
    seed: int = 0,
) -> NDArray[np.float32]:
    """Draws the papers' variable-density mask.

    The `center_lines` lowest frequencies are always measured. The others are drawn without
    replacement with density `exp(-(i - N/2)^2 / (2 (N/10)^2)) + 1 / (2 acceleration)`, i the line
    counted from the most negative frequency, until int(N / acceleration) lines are measured.

    Args:
        image_size: (H, W).
        acceleration: nominal acceleration, at least 1.
        center_lines: number of lowest lines; they count towards the total.
        axis: phase-encode axis, 0 or 1.
        seed: the same seed draws the same mask.

    Returns:
        float32 `(H, W)`.

    Raises:
        InputError: the image size is no (H, W) or too large, the axis is neither 0 nor 1,
            `center_lines` or `seed` is no whole number or negative, the acceleration is below 1,
            or it leaves no line or fewer than `center_lines`.

    Source: KD-MRI (2020) and its released masks. PSNR depends on the draw, so results name theirs.

    Example:
        >>> from kdmri_tf import gaussian_mask
        >>> mask = gaussian_mask((150, 150), acceleration=4)
        >>> mask.shape, int(mask[:, 0].sum())
        ((150, 150), 37)
    """
    num_lines, measured = _budget(image_size, acceleration, center_lines, axis, seed)
    index = np.arange(num_lines)
    density = np.exp(-0.5 * ((index - num_lines / 2) / (num_lines / 10)) ** 2)
    density += 1 / (2 * acceleration)
    return _draw(image_size, measured, center_lines, axis, density, seed)


def uniform_mask(
    image_size: Sequence[int],
    acceleration: float,
    center_lines: int = 10,
    axis: int = 0,
    seed: int = 0,
) -> NDArray[np.float32]:
    """Draws a mask whose lines outside the centre are all equally likely.

    Arguments, result and errors are those of `gaussian_mask`.

    Example:
        >>> from kdmri_tf import uniform_mask
        >>> mask = uniform_mask((64, 48), acceleration=4, center_lines=4, axis=1)
        >>> int(mask[0].sum()), bool((mask == mask[0]).all())
        (12, True)
    """
    num_lines, measured = _budget(image_size, acceleration, center_lines, axis, seed)
    return _draw(image_size, measured, center_lines, axis, np.ones(num_lines), seed)


def equispaced_mask(
    image_size: Sequence[int],
    acceleration: float,
    center_lines: int = 10,
    axis: int = 0,
    seed: int = 0,
) -> NDArray[np.float32]:
    """Draws a mask whose lines outside the centre are equally spaced.

    Arguments, result and errors are those of `gaussian_mask`; the seed chooses the offset of the
    comb.

    Example:
        >>> import numpy as np
        >>> from kdmri_tf import equispaced_mask
        >>> mask = equispaced_mask((16, 1), acceleration=2, center_lines=4)
        >>> np.fft.fftshift(mask[:, 0]).astype(int).tolist()
        [0, 1, 0, 0, 1, 0, 1, 1, 1, 1, 0, 1, 0, 0, 1, 0]
    """
    num_lines, measured = _budget(image_size, acceleration, center_lines, axis, seed)
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


def check_phase_encode_axis(axis: int) -> None:
    """Refuses an axis that images do not have.

    Raises:
        InputError: it is neither 0 nor 1.
    """
    if axis not in (0, 1):
        raise InputError(f"The phase-encode axis must be 0 or 1, not {axis}.")


def _budget(
    image_size: Sequence[int], acceleration: float, center_lines: int, axis: int, seed: int
) -> tuple[int, int]:
    """Returns how many lines there are and how many of them may be measured."""
    check_phase_encode_axis(axis)
    for name, number in (("number of centre lines", center_lines), ("seed", seed)):
        if not isinstance(number, numbers.Integral) or number < 0:
            raise InputError(f"The {name} must be a whole number of 0 or more, not {number}.")
    num_lines = image_size_of(image_size)[axis]
    if not acceleration >= 1:
        raise InputError(f"The acceleration must be at least 1, not {acceleration}.")
    measured = int(num_lines / acceleration)
    if measured < center_lines:
        raise InputError(
            f"Acceleration {acceleration:g} leaves {measured} of {num_lines} lines, fewer than the "
            f"{center_lines} centre lines; lower the acceleration or the number of centre "
            "lines (--center-lines; in code center_lines), or bring a mask of your own."
        )
    if measured < 1:
        raise InputError(
            f"Acceleration {acceleration:g} leaves none of {num_lines} lines; lower it."
        )
    return num_lines, measured


def _center(num_lines: int, center_lines: int) -> NDArray[np.intp]:
    """Returns the lowest frequencies, lines counted from the most negative frequency."""
    start = num_lines // 2 - center_lines // 2
    return np.arange(start, start + center_lines)


def _draw(
    image_size: Sequence[int],
    measured: int,
    center_lines: int,
    axis: int,
    density: NDArray[np.float64],
    seed: int,
) -> NDArray[np.float32]:
    """Measures the centre and draws the other lines with a probability in proportion to density."""
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


def _spread(
    lines: NDArray[np.float64], image_size: Sequence[int], axis: int
) -> NDArray[np.float32]:
    """Unshifts the lines and repeats them along the readout axis."""
    unshifted = np.fft.ifftshift(lines).astype(np.float32)
    column = unshifted[:, np.newaxis] if axis == 0 else unshifted[np.newaxis, :]
    return np.ascontiguousarray(np.broadcast_to(column, tuple(image_size)))
