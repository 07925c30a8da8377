"""Opens volumes to train on or to reconstruct: NIfTI, HDF5 and NumPy files."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from os import PathLike
from pathlib import Path
from typing import cast

import h5py
import nibabel
import numpy as np
from numpy.typing import NDArray

from kdmri_tf.errors import InputError
from kdmri_tf.volumes.geometry import VoxelGrid, grid_of_fastmri
from kdmri_tf.volumes.reading import reading
from kdmri_tf.volumes.volume import ImageVolume, KspaceVolume

HDF5_DATASETS = ("kspace", "image", "reconstruction_esc", "reconstruction_rss")


@contextmanager
def open_volume(path: str | PathLike[str]) -> Iterator[ImageVolume]:
    """Opens a volume and reads its middle slice to check it.

    - NIfTI: images (x, y, slices), x along W and y along H, scaled as the header says; this is
      the orientation that the papers' masks are for.
    - HDF5: complex `kspace`, centred, `(slices, H, W)` or `(slices, coils, H, W)`; if there is
      none, images `(slices, H, W)`: `image`, `reconstruction_esc` or `reconstruction_rss`.
    - NumPy: real numbers are images `(slices, H, W)`, complex ones centred k-space as in HDF5,
      floats `(slices, H, W, 2)` are the real and imaginary part of unshifted k-space.

    A single slice may also be `(H, W)`, except in NIfTI and as real and imaginary part.

    Args:
        path: the file.

    Yields:
        An `ImageVolume` or `KspaceVolume`, open as long as the context.

    Raises:
        InputError: the file is missing, of another kind, damaged, empty, not numeric, of another
            shape, or its slices are one pixel wide; or as `ImageVolume.check`.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.save(f"{folder}/a.npy", np.ones((3, 12, 10), np.int16))
        ...     with open_volume(f"{folder}/a.npy") as volume:
        ...         volume.num_slices, volume.image_size, volume.magnitude(0).dtype.name
        (3, (12, 10), 'float32')
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"There is no file {path}; give a volume ({', '.join(READERS)}).")
    name = path.name.lower()
    read = next((READERS[suffix] for suffix in READERS if name.endswith(suffix)), None)
    if read is None:
        raise InputError(f"{path} has an unknown suffix; use one of {', '.join(READERS)}.")
    with ExitStack() as stack:
        with reading(path, way_out=""):
            volume = read(path, stack)
        if min(volume.image_size) == 1:
            height, width = volume.image_size
            raise InputError(
                f"{path} has slices of {height}x{width} pixels: slices are the third axis of NIfTI "
                "files and the first axis of other files; reorder the axes."
            )
        volume.check()
        yield volume


def _read_nifti(path: Path, stack: ExitStack) -> ImageVolume:
    # Kept open: a compressed file is then read up to its middle, which is checked, and only once
    # more from its beginning to its end.
    image = cast(nibabel.Nifti1Image, nibabel.load(path, keep_file_open=True))
    if not np.isfinite(image.affine).all():
        raise InputError(
            f"{path}: its header does not say where the voxels are, as the affine has NaN or "
            "infinity; set sform or qform."
        )
    grid, voxels, rest = VoxelGrid(image.affine, image.header), image.dataobj, image.shape[3:]
    if len(image.shape) not in (3, 4) or rest not in ((), (1,)):
        raise InputError(f"{path} has shape {image.shape}, but must be a 3-D image (x, y, slices).")

    def read_slice(index: int) -> NDArray:
        return np.asarray(voxels[(slice(None), slice(None), index, *(0 for _ in rest))]).T

    width, height, num_slices = image.shape[:3]
    _check(path, "image", image.shape, image.get_data_dtype())
    return ImageVolume(path, num_slices, (height, width), grid, read_slice)


def _read_hdf5(path: Path, stack: ExitStack) -> ImageVolume:
    file = stack.enter_context(h5py.File(path))
    name = next((name for name in HDF5_DATASETS if name in file), None)
    if name is None:
        needed, found = ", ".join(HDF5_DATASETS), ", ".join(file) or "nothing"
        raise InputError(f"{path} has none of the datasets {needed} (it has: {found}).")
    header = file["ismrmrd_header"][()] if "ismrmrd_header" in file else None
    grid = grid_of_fastmri(header, file[name].shape[-2:])
    if name == "kspace" and file[name].dtype.kind != "c":
        raise InputError(f"{path}: 'kspace' is {file[name].dtype}, but must be complex.")
    return _volume(path, name, file[name], grid, is_kspace=name == "kspace")


def _read_npy(path: Path, stack: ExitStack) -> ImageVolume:
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    if array.dtype.kind == "f" and array.ndim == 4 and array.shape[-1] == 2:
        _check(path, "k-space", array.shape, array.dtype)

        def read_slice(index: int) -> NDArray:
            return array[index, ..., 0] + 1j * array[index, ..., 1]

        shape = len(array), array.shape[1:3]
        return KspaceVolume(path, *shape, VoxelGrid.of_voxels(), read_slice, centered=False)
    if array.dtype.kind == "f" and array.ndim == 3 and array.shape[-1] == 2:
        raise InputError(
            f"{path} has shape {array.shape}: k-space of one slice needs an axis for slices as "
            "well, (1, H, W, 2)."
        )
    is_kspace = array.dtype.kind == "c"
    return _volume(path, "array", array, VoxelGrid.of_voxels(), is_kspace)


READERS: dict[str, Callable[[Path, ExitStack], ImageVolume]] = {
    ".nii": _read_nifti,
    ".nii.gz": _read_nifti,
    ".npy": _read_npy,
    ".h5": _read_hdf5,
}


def _volume(
    path: Path, name: str, array: NDArray | h5py.Dataset, grid: VoxelGrid, is_kspace: bool
) -> ImageVolume:
    """Returns the volume of an array or HDF5 dataset whose last axes are (H, W)."""
    if array.ndim not in ((2, 3, 4) if is_kspace else (2, 3)):
        axes = "[slices, [coils,]] height, width" if is_kspace else "[slices,] height, width"
        raise InputError(f"{path}: '{name}' has shape {array.shape}, but must be ({axes}).")
    _check(path, name, array.shape, array.dtype)

    def read_slice(index: int) -> NDArray:
        return array[()] if array.ndim == 2 else array[index]

    num_slices = 1 if array.ndim == 2 else len(array)
    facts = path, num_slices, tuple(array.shape[-2:]), grid, read_slice
    if not is_kspace:
        return ImageVolume(*facts)
    return KspaceVolume(*facts, num_coils=array.shape[1] if array.ndim == 4 else 1)


def _check(path: Path, name: str, shape: Sequence[int], dtype: np.dtype) -> None:
    """Refuses arrays that are empty or hold something else than numbers."""
    if 0 in shape:
        raise InputError(f"{path}: '{name}' is empty: its shape is {shape}.")
    if dtype.kind not in "biufc":
        raise InputError(f"{path}: '{name}' holds {dtype} values instead of numbers.")
