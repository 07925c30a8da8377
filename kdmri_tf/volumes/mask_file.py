"""Masks in the files that come with raw k-space."""

from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.errors import InputError
from kdmri_tf.volumes.mat_file import mat_array, mat_names
from kdmri_tf.volumes.reading import reading


def read_mat_mask(path: str | PathLike[str], image_size: tuple[int, int]) -> NDArray[np.float32]:
    """Reads a mask of the CMRxRecon challenge: `..._mask....mat`, v5 or v7.3.

    Its variable is the one whose name begins with `mask`, (kx, ky) of 0 and 1, zero frequency in
    the centre. A mask of whole lines fits any number of rows, such as those of a cropped readout.

    Args:
        path: the file.
        image_size: (H, W) of the k-space.

    Returns:
        float32 `(H, W)` of 0 and 1, unshifted as everywhere in the package.

    Raises:
        InputError: missing, unreadable or damaged, no such variable or several, other values than 0
            and 1, or of another size.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"There is no mask file {path}.")
    with reading(path, way_out=""):
        names = mat_names(path)
        found = [name for name in names if name.startswith("mask")]
        if len(found) != 1:
            raise InputError(
                f"{path} must have one variable whose name begins with 'mask' (it has: "
                f"{', '.join(names) or 'nothing'})."
            )
        mask = mat_array(path, found[0])
    height, width = image_size
    mask = np.atleast_2d(mask if mask is not None else 0)
    if mask.ndim == 2 and mask.shape[1] == width and (mask == mask[0]).all():
        mask = np.broadcast_to(mask[0], image_size)
    if mask.shape != tuple(image_size):
        shape = "x".join(map(str, mask.shape))
        raise InputError(f"The mask {path} is {shape}, but the k-space is {height}x{width}.")
    if not np.isin(mask, (0, 1)).all():
        raise InputError(f"The mask {path} holds other values than 0 and 1.")
    return np.fft.ifftshift(mask).astype(np.float32)
