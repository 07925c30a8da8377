"""K-space in the files of BART: a `.hdr` with the dimensions beside a `.cfl` with the samples."""

import math
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.errors import InputError
from kdmri_tf.volumes.array_volume import check_array
from kdmri_tf.volumes.geometry import VoxelGrid
from kdmri_tf.volumes.volume import KspaceVolume, names_of_frames

LARGEST_HEADER = 2**16  # bytes
COILS, TIME, SLICE = 3, 10, 13  # of the dimensions of BART
NAMES = (
    *("x", "y", "z", "coils", "sets of maps", "echoes", "coefficients", "coefficients (2)"),
    *("iterations", "chemical shifts", "time", "time (2)", "levels", "slices", "averages"),
    "batches",
)


def read_bart(path: Path, stack: ExitStack) -> KspaceVolume:
    """Returns the k-space of a `.cfl` file; see `open_volume`.

    The image has the two of BART's dimensions x, y and z that are longer than 1, in this order: x
    is the readout, so it runs along H, and where x is 1, y does. Dimension 3 counts coils, 10
    (time) frames and 13 slices; slices of the volume are slice by slice, all frames of one after
    another.
    """
    shape = _dimensions(path)
    plane = [axis for axis in range(3) if shape[axis] > 1]
    _refuse_others(path, shape, plane)
    plane = sorted([*plane, *(axis for axis in range(3) if axis not in plane)][:2])
    image_size = shape[plane[0]], shape[plane[1]]
    check_array(path, "k-space", shape, image_size, np.dtype(np.complex64))
    announced, found = 8 * math.prod(shape), path.stat().st_size
    if found != announced:
        raise InputError(
            f"{path} has {found:,} bytes, but its .hdr announces {announced:,}: one of the two is "
            "damaged or of another file."
        )
    samples = np.memmap(path, "<c8", "r", shape=shape, order="F")
    num_frames = shape[TIME]

    def read_slice(index: int) -> NDArray:
        chosen: list[int | slice] = [0] * len(shape)
        for axis in (*plane, COILS):
            chosen[axis] = slice(None)
        chosen[SLICE], chosen[TIME] = divmod(index, num_frames)
        return np.moveaxis(samples[tuple(chosen)], -1, 0)

    facts = path, shape[SLICE] * num_frames, image_size, VoxelGrid.of_voxels(), read_slice
    return KspaceVolume(*facts, names_of_frames(num_frames), num_coils=shape[COILS])


def _dimensions(path: Path) -> tuple[int, ...]:
    """Returns BART's 16 dimensions of a `.cfl` file."""
    header = path.with_suffix(".hdr")
    if not header.is_file():
        raise InputError(f"{path} needs its header beside it, but there is no file {header}.")
    with open(header, "rb") as file:
        lines = file.read(LARGEST_HEADER).decode("latin-1").splitlines()
    titles = [line.strip() for line in lines]
    place = titles.index("# Dimensions") + 1 if "# Dimensions" in titles else len(lines)
    words = lines[place].split() if place < len(lines) else []
    if not 2 <= len(words) <= len(NAMES) or not all(word.isdecimal() for word in words):
        raise InputError(
            f"{header} has no line of 2 to {len(NAMES)} whole numbers behind '# Dimensions': it is "
            "damaged, or no header of BART."
        )
    shape = [int(word) for word in words]
    return tuple(shape + [1] * (len(NAMES) - len(shape)))


def _refuse_others(path: Path, shape: tuple[int, ...], plane: list[int]) -> None:
    """Refuses what is no k-space of slices."""
    if len(plane) == 3:
        raise InputError(
            f"{path} has three-dimensional k-space, x {shape[0]}, y {shape[1]} and z {shape[2]}: "
            "make slices of it, with `bart fft -iu 1` along x and `bart transpose 0 13`; slices "
            "along z already are made readable by `bart transpose 2 13`."
        )
    for axis, length in enumerate(shape):
        if length > 1 and axis not in (*plane, COILS, TIME, SLICE):
            raise InputError(
                f"{path} has {length} {NAMES[axis]} along dimension {axis}, but only coils (3), "
                "time (10) and slices (13) may be more than 1 besides the image: take one of them "
                f"with `bart slice {axis} 0`."
            )
