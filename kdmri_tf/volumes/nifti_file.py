"""NIfTI files: sizes are looked at before anything is read, and checksums are checked."""

import gzip
import math
from contextlib import ExitStack
from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray

from kdmri_tf.errors import InputError
from kdmri_tf.volumes.array_volume import check_array
from kdmri_tf.volumes.geometry import VoxelGrid, can_be_written
from kdmri_tf.volumes.volume import ImageVolume

HEADERS = (nibabel.Nifti1Header, nibabel.Nifti2Header)
LARGEST_OFFSET = 2**26  # bytes before the first voxel, header and extensions
BLOCK = 2**20


def read_nifti(path: Path, stack: ExitStack) -> ImageVolume:
    """Returns the images of a NIfTI file; see `open_volume`.

    A compressed file is read to its end first, where its checksum is. An uncompressed file has
    none.
    """
    _check_before_reading(path)
    # Kept open: a compressed file is then read up to its middle, which is checked, and only once
    # more from its beginning to its end.
    image = nibabel.load(path, keep_file_open=True)
    if not isinstance(image, nibabel.Nifti1Image):
        raise InputError(f"{path} is a {type(image).__name__}, but must be a 3-D image.")
    if not can_be_written(image.affine):
        raise InputError(
            f"{path}: its header does not say where the voxels are, as the affine has NaN, "
            "infinity, or voxels whose size float32 cannot hold; set sform or qform."
        )
    grid, voxels, rest = VoxelGrid(image.affine, image.header), image.dataobj, image.shape[3:]

    def read_slice(index: int) -> NDArray:
        return np.asarray(voxels[(slice(None), slice(None), index, *(0 for _ in rest))]).T

    width, height, num_slices = image.shape[:3]
    return ImageVolume(path, num_slices, (height, width), grid, read_slice)


def _check_before_reading(path: Path) -> None:
    """Looks at what the header claims, without any large read, and at the checksum.

    Raises:
        InputError: the shape is no volume's, something is too large, or the file ends too early.
        OSError, EOFError, zlib.error: the compressed stream is damaged.
    """
    is_compressed = path.name.lower().endswith(".gz")
    with gzip.open(path) if is_compressed else open(path, "rb") as file:
        start = file.read(nibabel.Nifti2Header.sizeof_hdr)
    kind = next((kind for kind in HEADERS if kind.may_contain_header(start)), None)
    if kind is None:
        return  # nibabel says what is wrong with it
    header = kind(start[: kind.sizeof_hdr], check=False)
    shape = tuple(map(int, header.get_data_shape()))
    if len(shape) not in (3, 4) or shape[3:] not in ((), (1,)):
        raise InputError(f"{path} has shape {shape}, but must be a 3-D image (x, y, slices).")
    try:
        dtype, offset = header.get_data_dtype(), float(header["vox_offset"])
    except KeyError as error:
        raise InputError(f"{path}: its header has an unknown type of values, {error}.") from error
    check_array(path, "image", shape, (shape[1], shape[0]), dtype)
    if not offset <= LARGEST_OFFSET:
        raise InputError(
            f"{path}: its header is damaged, as its voxels would begin {offset:g} bytes after the "
            "beginning of the file."
        )
    num_bytes = max(int(offset), kind.sizeof_hdr) + math.prod(shape) * dtype.itemsize
    unpacked = _unpacked_size(path, num_bytes) if is_compressed else path.stat().st_size
    if unpacked < num_bytes:
        raise InputError(
            f"{path} cannot be read (it ends after {unpacked:,} of the {num_bytes:,} bytes that "
            "its header announces)."
        )


def _unpacked_size(path: Path, announced: int) -> int:
    """Reads a compressed file to its end, so that its checksum is checked, and counts bytes."""
    size = 0
    with gzip.open(path) as file:
        while block := file.read(BLOCK):
            size += len(block)
            if size > announced + BLOCK:
                raise InputError(
                    f"{path} unpacks to more than the {announced:,} bytes that its header "
                    "announces: it is damaged, or not what it seems to be."
                )
    return size
