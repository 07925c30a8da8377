"""Opens volumes, to train on or to reconstruct: NIfTI, HDF5 and NumPy files."""

from contextlib import ExitStack, contextmanager
from pathlib import Path

import h5py
import nibabel
import numpy as np

from kdmri_tf.errors import InputError
from kdmri_tf.volumes.geometry import VoxelGrid, grid_of_fastmri
from kdmri_tf.volumes.reading import reading
from kdmri_tf.volumes.volume import ImageVolume, KspaceVolume

HDF5_DATASETS = ("kspace", "image", "reconstruction_esc", "reconstruction_rss")


@contextmanager
def open_volume(path):
    """Opens a volume; of its slices, the middle one is read to check it.

    ::

        with open_volume("knee.h5") as volume:
            image = volume.magnitude(0)

    - NIfTI: images (x, y, slices), x along W and y along H, scaled as the header says; the papers'
      masks are laid over images read this way.
    - HDF5: complex `kspace`, centred, `(slices, H, W)` or `(slices, coils, H, W)`; in a file
      without it images `(slices, H, W)`: `image`, `reconstruction_esc` or `reconstruction_rss`.
    - NumPy: real numbers are images `(slices, H, W)`, complex ones centred k-space as in HDF5,
      floats `(slices, H, W, 2)` the real and imaginary part of unshifted k-space.

    A single slice may also be `(H, W)`, but for NIfTI and pairs of real and imaginary part.

    Returns:
        An `ImageVolume` or `KspaceVolume`, for the time of the context.

    Raises:
        InputError: no such file, of another kind, damaged, empty, not numeric, of another rank, or
            of slices that are one pixel wide; or as `ImageVolume.check`.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"There is no file {path}; give a volume: {', '.join(READERS)}.")
    name = path.name.lower()
    read = next((READERS[suffix] for suffix in READERS if name.endswith(suffix)), None)
    if read is None:
        raise InputError(f"{path} is of no known kind; give one of {', '.join(READERS)}.")
    with ExitStack() as stack:
        with reading(path, way_out=""):
            volume = read(path, stack)
        if min(volume.image_size) == 1:
            height, width = volume.image_size
            raise InputError(
                f"{path} has slices of {height}x{width} pixels: slices lie along the third axis of "
                "a NIfTI and the first axis of other files; reorder the axes."
            )
        volume.check()
        yield volume


def _read_nifti(path, stack):
    # Kept open: a compressed file is then read to its middle, which is checked, and once more from
    # its beginning to its end.
    image = nibabel.load(path, keep_file_open=True)
    if not np.isfinite(image.affine).all():
        raise InputError(
            f"{path}: its header puts the voxels nowhere (affine); set sform or qform."
        )
    grid, voxels, rest = VoxelGrid(image.affine, image.header), image.dataobj, image.shape[3:]
    if len(image.shape) not in (3, 4) or rest not in ((), (1,)):
        raise InputError(f"{path} has shape {image.shape}; a 3-D image (x, y, slices) is needed.")

    def read_slice(index):
        return np.asarray(voxels[(slice(None), slice(None), index, *(0 for _ in rest))]).T

    width, height, num_slices = image.shape[:3]
    _check(path, "image", image.shape, image.get_data_dtype())
    return ImageVolume(path, num_slices, (height, width), grid, read_slice)


def _read_hdf5(path, stack):
    file = stack.enter_context(h5py.File(path))
    name = next((name for name in HDF5_DATASETS if name in file), None)
    if name is None:
        needed, found = ", ".join(HDF5_DATASETS), ", ".join(file) or "nothing"
        raise InputError(f"{path} has none of the datasets {needed} (found: {found}).")
    header = file["ismrmrd_header"][()] if "ismrmrd_header" in file else None
    grid = grid_of_fastmri(header, file[name].shape[-2:])
    if name == "kspace" and file[name].dtype.kind != "c":
        raise InputError(f"{path}: 'kspace' is {file[name].dtype}, but must be complex.")
    return _volume(path, name, file[name], grid, is_kspace=name == "kspace")


def _read_npy(path, stack):
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    if array.dtype.kind == "f" and array.ndim == 4 and array.shape[-1] == 2:
        _check(path, "k-space", array.shape, array.dtype)

        def read_slice(index):
            return array[index, ..., 0] + 1j * array[index, ..., 1]

        shape = len(array), array.shape[1:3]
        return KspaceVolume(path, *shape, VoxelGrid.of_voxels(), read_slice, centered=False)
    if array.dtype.kind == "f" and array.ndim == 3 and array.shape[-1] == 2:
        raise InputError(
            f"{path} has shape {array.shape}: k-space of one slice needs an axis of slices, too, "
            "(1, H, W, 2)."
        )
    is_kspace = array.dtype.kind == "c"
    return _volume(path, "array", array, VoxelGrid.of_voxels(), is_kspace)


READERS = {".nii": _read_nifti, ".nii.gz": _read_nifti, ".npy": _read_npy, ".h5": _read_hdf5}


def _volume(path, name, array, grid, is_kspace):
    """The volume of an array or HDF5 dataset whose last axes are (H, W)."""
    if array.ndim not in ((2, 3, 4) if is_kspace else (2, 3)):
        axes = "[slices, [coils,]] height, width" if is_kspace else "[slices,] height, width"
        raise InputError(f"{path}: '{name}' has shape {array.shape}; ({axes}) is needed.")
    _check(path, name, array.shape, array.dtype)

    def read_slice(index):
        return array[()] if array.ndim == 2 else array[index]

    num_slices = 1 if array.ndim == 2 else len(array)
    facts = path, num_slices, tuple(array.shape[-2:]), grid, read_slice
    if not is_kspace:
        return ImageVolume(*facts)
    return KspaceVolume(*facts, num_coils=array.shape[1] if array.ndim == 4 else 1)


def _check(path, name, shape, dtype):
    if 0 in shape:
        raise InputError(f"{path}: '{name}' is empty, its shape is {shape}.")
    if dtype.kind not in "biufc":
        raise InputError(f"{path}: '{name}' holds {dtype} values instead of numbers.")
