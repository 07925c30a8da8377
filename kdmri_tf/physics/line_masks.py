"""Masks of one dimension, as scanners list their phase-encode lines, repeated along the readout."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.errors import InputError
from kdmri_tf.physics.samplers import check_phase_encode_axis


def spread_lines(
    mask: NDArray, image_size: Sequence[int], axis: int, name: str = "mask"
) -> NDArray:
    """Repeats a mask of lines along the readout axis; returns a mask of any other shape as it is.

    Args:
        mask: `(N,)`, one value for each line along the phase-encode axis; or `(H, 1)` or `(1, W)`,
            which say the axis themselves.
        image_size: (H, W).
        axis: phase-encode axis of a mask `(N,)` that fits both sides of a square image, 0 or 1; of
            another image it is the axis with N lines.
        name: what messages call the mask.

    Returns:
        `(H, W)`, a view of the mask where it was repeated.

    Raises:
        InputError: neither side of the image has N lines, or the axis is not 0 or 1.

    Example:
        >>> import numpy as np
        >>> spread_lines(np.array([1, 0, 1]), (3, 2), axis=0).tolist()
        [[1, 1], [0, 0], [1, 1]]
    """
    check_phase_encode_axis(axis)
    size = tuple(image_size)
    if mask.ndim == 1:
        fitting = [side for side in (0, 1) if size[side] == len(mask)]
        if not fitting:
            if not np.isin(mask, (0, 1)).all():
                raise InputError(
                    f"The {name} has one axis and other values than 0 and 1: it needs 1 for every "
                    "line that was measured and 0 for the others, not the numbers of the lines."
                )
            raise InputError(
                f"The {name} has {len(mask)} lines, but the images have {size[0]} rows and "
                f"{size[1]} columns; use a mask made for this image size."
            )
        mask = np.expand_dims(mask, 1 - (axis if axis in fitting else fitting[0]))
    height, width = size
    return np.broadcast_to(mask, size) if mask.shape in ((height, 1), (1, width)) else mask
