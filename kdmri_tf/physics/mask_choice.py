"""Which masks undersample a data set: drawn by a sampler, or one that the user gives."""

import math
from collections.abc import Sequence
from functools import partial
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kdmri_tf.errors import InputError
from kdmri_tf.physics.line_masks import spread_lines
from kdmri_tf.physics.masks import (
    check_mask,
    mask_array,
    read_mask,
    true_acceleration,
    warn_if_centered,
)
from kdmri_tf.physics.samplers import SAMPLERS

# A mask file may miss the nominal acceleration by this much; the papers' own miss it by up to 8 %.
ACCELERATION_TOLERANCE = 0.15

# Random masks are picked from this many, drawn once: no sampler and no NumPy in the pipeline.
NUM_RANDOM_MASKS = 256


class MaskChoice:
    """Holds a choice of masks, checked as far as it can be before there are images.

    Args:
        mask: name of a sampler, a .npy file, or 0 and 1 of shape `(H, W)`, or of the lines alone as
            for `spread_lines`: an array, a tensor or nested lists.
        acceleration: nominal acceleration.
        seed: seed of a mask that is drawn.
        random: draws masks for the training slices as well.

    Attributes:
        origin: where the mask comes from: sampler and seed, or file name.

    Raises:
        InputError: acceleration or seed out of range, an unreadable mask file, or random masks
            without a sampler.
    """

    def __init__(
        self,
        mask: str | PathLike[str] | ArrayLike,
        acceleration: float,
        seed: int = 0,
        random: bool = False,
    ) -> None:
        is_number = isinstance(acceleration, int | float | np.number)
        if not (is_number and math.isfinite(acceleration) and acceleration >= 1):
            raise InputError(f"The acceleration must be at least 1, not {acceleration!r}.")
        self._acceleration = acceleration
        self._seed = seed
        self._random = random
        self._given: NDArray | None = None
        self._sampler = SAMPLERS.get(mask) if isinstance(mask, str) else None
        if isinstance(mask, str) and self._sampler is not None:
            if seed < 0:
                raise InputError(f"The seed of the mask must be at least 0, not {seed}.")
            self.origin = f"{mask}, seed {seed}"
            return
        if isinstance(mask, str | PathLike):
            self._given, self.origin = read_mask(mask), Path(mask).name
        else:
            self._given, self.origin = mask_array(mask), "array"
        if random:
            raise InputError(
                f"Random masks are drawn by a sampler, but the mask {self.origin} is given; name "
                f"one of {', '.join(SAMPLERS)} instead."
            )

    @property
    def is_given(self) -> bool:
        """Whether the mask is the user's own."""
        return self._sampler is None

    @property
    def needs_axis(self) -> bool:
        """Whether a phase-encode axis means anything: to a sampler, and to a list of lines."""
        return self._given is None or self._given.ndim == 1

    def masks_for(
        self, image_size: Sequence[int], center_lines: int, axis: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """Returns the mask of all slices, and those that training slices pick from, or None.

        Args:
            image_size: (H, W).
            center_lines: lowest lines that a sampler always measures.
            axis: phase-encode axis of a mask that `needs_axis`, 0 or 1.

        Returns:
            float32 `(H, W)`, unshifted; and None or float32, `(NUM_RANDOM_MASKS, H, 1)` for axis 0,
            `(NUM_RANDOM_MASKS, 1, W)` for axis 1: each mask cut to the line that repeats in it.

        Raises:
            InputError: the mask does not fit the images or the acceleration.
        """
        if self._sampler is None:
            return self._checked(image_size, axis), None
        draw = partial(self._sampler, image_size, self._acceleration, center_lines, axis)
        mask = draw(self._seed)
        if not self._random:
            return mask, None
        seeds = range(self._seed + 1, self._seed + 1 + NUM_RANDOM_MASKS)
        return mask, np.stack([draw(seed).take([0], axis=1 - axis) for seed in seeds])

    def _checked(self, image_size: Sequence[int], axis: int) -> NDArray[np.float32]:
        assert self._given is not None
        name = f"mask {self.origin}"
        mask = check_mask(spread_lines(self._given, image_size, axis, name), image_size, name)
        warn_if_centered(mask, self.origin)
        actual, nominal = true_acceleration(mask), self._acceleration
        if abs(actual / nominal - 1) > ACCELERATION_TOLERANCE:
            raise InputError(
                f"The mask {self.origin} accelerates by {actual:.2f}, but the acceleration asked "
                f"for is {nominal:g}; ask for that of the mask (--acc {actual:.3g}; in code "
                f"acceleration={actual:.3g}) or use another."
            )
        return mask
