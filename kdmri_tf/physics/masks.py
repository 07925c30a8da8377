"""Sampling masks as arrays: read from files, checked, measured.

A mask is float32 `(H, W)`: 1 where k-space was measured, 0 elsewhere; unshifted, that is, with the
zero frequency at [0, 0].
"""

import warnings
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kdmri_tf.arrays import open_array
from kdmri_tf.errors import InputError
from kdmri_tf.physics.line_masks import spread_lines
from kdmri_tf.physics.samplers import SAMPLERS
from kdmri_tf.sizes import check_image_size

LOWEST = (-2, -1, 0, 1)  # frequencies that every usual mask measures


def load_mask(
    path: str | PathLike[str], image_size: Sequence[int], axis: int = 0
) -> NDArray[np.float32]:
    """Reads a mask of 0 and 1 from a .npy file, unshifted as the papers' own files are.

    Warns of a mask that seems to have the zero frequency in the centre.

    Args:
        path: the .npy file, `(H, W)`, or one value for each phase-encode line, which is repeated
            along the readout: `(H,)`, `(W,)`, `(H, 1)` or `(1, W)`; any real dtype, or bool.
        image_size: (H, W) of the images to undersample.
        axis: phase-encode axis of a mask `(N,)` for square images, 0 or 1.

    Returns:
        float32 `(H, W)`.

    Raises:
        InputError: the file is missing or no .npy array, holds other values than 0 and 1, or its
            shape does not fit `image_size`.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from kdmri_tf import load_mask
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.save(f"{folder}/mask.npy", [[True, True], [False, False]])
        ...     load_mask(f"{folder}/mask.npy", (2, 2)).tolist()
        [[1.0, 1.0], [0.0, 0.0]]
    """
    name = f"mask {path}"
    mask = check_mask(spread_lines(read_mask(path), image_size, axis, name), image_size, name)
    warn_if_centered(mask, str(path))
    return mask


def warn_if_centered(mask: NDArray[np.float32], name: str) -> None:
    """Warns of a mask that does not measure the zero frequency at [0, 0], or seems not to.

    It seems so where the lowest frequencies have gaps and the middle of the array has none.
    """
    if not mask[0, 0]:
        fault = "does not measure the zero frequency, which belongs at [0, 0]. If the mask has it "
    elif _is_gapless(np.fft.ifftshift(mask)) and not _is_gapless(mask):
        fault = "measures the highest frequencies without a gap, and the lowest, which belong at "
        fault += "[0, 0], not. If the mask has these "
    else:
        return
    warnings.warn(
        f"The mask {name} {fault}in the centre, use np.fft.ifftshift(mask).", stacklevel=3
    )


def _is_gapless(mask: NDArray[np.float32]) -> bool:
    """Says whether the frequencies from -2 to 1 along both axes are all measured."""
    return bool(np.take(np.take(mask, LOWEST, axis=0, mode="wrap"), LOWEST, 1, mode="wrap").all())


def read_mask(path: str | PathLike[str]) -> NDArray:
    """Reads the array of a .npy file, whatever its values.

    Raises:
        InputError: the file is missing or no .npy array, or larger than an image may be.
    """
    if not Path(path).is_file():
        raise InputError(
            f"There is no mask file {path}; give a .npy file or one of {', '.join(SAMPLERS)}."
        )
    try:
        mask = open_array(path)
    except InputError as error:
        raise InputError(f"The mask file {error}") from error
    check_image_size(mask.shape, f"The mask file {path}")
    return np.array(mask)


def mask_array(mask: ArrayLike) -> NDArray:
    """Returns an array of what a user gives as a mask: an array, a tensor or nested lists.

    Raises:
        InputError: it makes no array.
    """
    try:
        return np.asarray(mask)
    except (TypeError, ValueError) as error:  # of lists of unequal lengths, or a symbolic tensor
        raise InputError(
            "The mask makes no array: give the name of a sampler or of a .npy file, or 0 and 1 of "
            "shape (H, W) in an array, a tensor or nested lists."
        ) from error


def check_mask(
    mask: ArrayLike, image_size: Sequence[int], name: str = "mask"
) -> NDArray[np.float32]:
    """Returns the mask as float32 `(H, W)` if it can undersample images of `image_size`.

    Args:
        mask: 0 and 1, `(H, W)`: an array of any real dtype or bool, a tensor, or nested lists.
        image_size: (H, W).
        name: what the messages call it.

    Raises:
        InputError: wrong shape, values other than 0 and 1, or nothing measured.
    """
    mask = mask_array(mask)
    if mask.shape != tuple(image_size):
        raise InputError(
            f"The {name} has shape {mask.shape}, but the images have shape {tuple(image_size)}; "
            "use a mask made for this image size."
        )
    if mask.dtype.kind not in "biuf":
        raise InputError(f"The {name} holds {mask.dtype} values instead of 0 and 1.")
    if not np.isin(mask, (0, 1)).all():
        raise InputError(f"The {name} may hold only 0 (not measured) and 1 (measured).")
    if not mask.any():
        raise InputError(f"The {name} measures nothing: all its values are 0.")
    return mask.astype(np.float32)


def true_acceleration(mask: ArrayLike) -> float:
    """Returns all k-space samples over measured samples: close to the nominal acceleration.

    Example:
        >>> true_acceleration([[1, 1], [0, 0]])
        2.0
    """
    mask = np.asarray(mask)
    return float(mask.size / mask.sum())


def phase_encode_axis(mask: NDArray) -> int | None:
    """Returns 0 if the mask measures whole rows, 1 if whole columns, None if neither.

    A mask that measures everything gives 1.

    Args:
        mask: `(H, W)`.
    """
    if (mask == mask[:1]).all():
        return 1
    return 0 if (mask == mask[:, :1]).all() else None
