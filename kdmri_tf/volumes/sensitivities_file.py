"""Sensitivities of coils in a file, as BART's ecalib or sigpy's ESPIRiT make them."""

from contextlib import ExitStack
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.arrays import open_array
from kdmri_tf.errors import InputError
from kdmri_tf.physics.sensitivities import normalized
from kdmri_tf.sizes import check_image_size, check_volume_size
from kdmri_tf.volumes.bart_file import read_bart
from kdmri_tf.volumes.reading import reading


def load_sensitivities(
    path: str | PathLike[str], image_size: tuple[int, int], coils: int, num_slices: int = 1
) -> NDArray[np.float32]:
    """Reads sensitivities of coils and divides them by their root sum of squares.

    They are images: nothing of them is shifted. Where all coils are 0 they stay 0.

    Args:
        path: complex `(coils, H, W)`, the same for all slices, or `(slices, coils, H, W)` in a .npy
            file; or a .cfl file of BART with its .hdr.
        image_size: (H, W) of the k-space that they are for.
        coils: of this k-space.
        num_slices: of this k-space.

    Returns:
        float32 `(num_slices, coils, H, W, 2)`: (real, imaginary), read-only where all slices share
        them.

    Raises:
        InputError: the file is missing, damaged or of another kind; the maps are real, of another
            size, for other coils or slices, hold NaN or infinity, or are 0 everywhere.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from kdmri_tf import load_sensitivities
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.save(f"{folder}/maps.npy", np.full((4, 8, 6), 1j))
        ...     load_sensitivities(f"{folder}/maps.npy", (8, 6), coils=4)[0, :, 5, 5].tolist()
        [[0.0, 0.5], [0.0, 0.5], [0.0, 0.5], [0.0, 0.5]]
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"There is no file {path}; give sensitivities as .npy or .cfl.")
    if path.suffix.lower() not in READERS:
        raise InputError(f"{path} has an unknown suffix: sensitivities are .npy or .cfl files.")
    with reading(path, way_out=""):
        maps = READERS[path.suffix.lower()](path)
    maps = maps[np.newaxis] if maps.ndim == 3 else maps
    _check(path, maps, (coils, *image_size), num_slices)
    channels = np.stack([maps.real, maps.imag], axis=-1).astype(np.float32)
    return np.broadcast_to(normalized(channels), (num_slices, *channels.shape[1:]))


def _read_npy(path: Path) -> NDArray:
    array = open_array(path)
    if array.dtype.kind != "c":
        raise InputError(
            f"{path} holds {array.dtype} values, but sensitivities are complex: save real + 1j * "
            "imaginary."
        )
    check_volume_size(array.shape, f"The file {path}")
    check_image_size(array.shape[-2:], f"The file {path}")
    return np.array(array)


def _read_cfl(path: Path) -> NDArray[np.complex64]:
    with ExitStack() as stack:
        volume = read_bart(path, stack)
        return np.stack([volume.stored(index) for index in range(volume.num_slices)])


READERS = {".npy": _read_npy, ".cfl": _read_cfl}


def _check(path: Path, maps: NDArray, expected: tuple[int, ...], num_slices: int) -> None:
    """Refuses maps that do not fit the k-space, of shape `expected` (coils, H, W) a slice."""
    if maps.shape[1:] != expected:
        raise InputError(
            f"The sensitivities of {path} have the shape {maps.shape[1:]}, but the k-space has "
            f"{expected} (coils, height, width): use those of the same scan."
        )
    if len(maps) not in (1, num_slices):
        raise InputError(
            f"{path} has sensitivities of {len(maps)} slices, but the k-space has {num_slices}: "
            "give one set for all slices or one for each."
        )
    if not np.isfinite(maps).all():
        raise InputError(f"The sensitivities of {path} hold NaN or infinity: make them anew.")
    blank = ~maps.any(axis=(1, 2, 3))
    if blank.any():
        raise InputError(
            f"The sensitivities of {path} are 0 everywhere in slice {blank.argmax()} (the first is "
            "0): make them anew."
        )
