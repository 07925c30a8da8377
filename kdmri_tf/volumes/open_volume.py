"""Opens volumes to train on or to reconstruct: images and k-space in many kinds of files."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from os import PathLike
from pathlib import Path

from numpy.typing import NDArray

from kdmri_tf.arrays import open_array
from kdmri_tf.errors import InputError
from kdmri_tf.volumes.array_volume import check_array, volume_of_array
from kdmri_tf.volumes.bart_file import read_bart
from kdmri_tf.volumes.dicom_series import is_dicom, read_dicom
from kdmri_tf.volumes.geometry import VoxelGrid
from kdmri_tf.volumes.hdf5_file import read_hdf5
from kdmri_tf.volumes.mat_file import read_mat
from kdmri_tf.volumes.nifti_file import read_nifti
from kdmri_tf.volumes.reading import reading
from kdmri_tf.volumes.volume import ImageVolume, KspaceVolume


@contextmanager
def open_volume(path: str | PathLike[str]) -> Iterator[ImageVolume]:
    """Opens a volume and reads its middle slice to check it.

    - NIfTI: images (x, y, slices), x along W and y along H, scaled as the header says; this is
      the orientation that the papers' masks are for.
    - HDF5: complex `kspace`, centred, `(slices, H, W)` or `(slices, coils, H, W)`; if there is
      none, images `(slices, H, W)`: `image`, `reconstruction_esc` or `reconstruction_rss`.
    - HDF5 of ISMRMRD: raw acquisitions, see `read_ismrmrd`.
    - MATLAB, v5 and v7.3: k-space as in CMRxRecon, see `read_mat`.
    - BART, `.cfl` with its `.hdr`: k-space, see `read_bart`.
    - A folder of `.dcm`, one DICOM series: images, see `read_dicom`.
    - NumPy: real numbers are images `(slices, H, W)`, complex ones centred k-space as in HDF5,
      floats `(slices, H, W, 2)` or `(slices, coils, H, W, 2)` are the real and imaginary part of
      unshifted k-space, as this package has it everywhere.

    A single slice may also be `(H, W)`, except in NIfTI and as real and imaginary part.

    Damage is found where the format has checksums: in `.nii.gz`, and in HDF5 datasets with
    `fletcher32` or `gzip`. Of HDF5, nothing but the file itself is read: external links, external
    storage and virtual datasets are refused. Sizes are bounded, see `kdmri_tf.sizes`.

    Args:
        path: the file, or the folder of a DICOM series.

    Yields:
        An `ImageVolume` or `KspaceVolume`, open as long as the context.

    Raises:
        InputError: the file is missing, of another kind, damaged, empty, not numeric, of another
            shape, too large, or its slices are one pixel wide; or as `ImageVolume.check`.

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
    known = f"{', '.join(READERS)}, or a folder of .dcm"
    if not path.exists():
        raise InputError(f"There is no file {path}; give a volume ({known}).")
    name = path.name.lower()
    read = next((READERS[suffix] for suffix in READERS if name.endswith(suffix)), None)
    if is_dicom(path):
        read = read_dicom
    if read is None:
        raise InputError(f"{path} has an unknown suffix; use one of {known}.")
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


def _read_npy(path: Path, stack: ExitStack) -> ImageVolume:
    array = open_array(path)
    if array.dtype.kind == "f" and array.ndim in (4, 5) and array.shape[-1] == 2:
        check_array(path, "k-space", array.shape, array.shape[-3:-1], array.dtype)

        def read_slice(index: int) -> NDArray:
            return array[index, ..., 0] + 1j * array[index, ..., 1]

        facts = path, len(array), array.shape[-3:-1], VoxelGrid.of_voxels(), read_slice
        num_coils = array.shape[1] if array.ndim == 5 else 1
        return KspaceVolume(*facts, num_coils=num_coils, centered=False)
    if array.dtype.kind == "f" and array.ndim == 3 and array.shape[-1] == 2:
        raise InputError(
            f"{path} has shape {array.shape}: k-space of one slice needs an axis for slices as "
            "well, (1, H, W, 2)."
        )
    is_kspace = array.dtype.kind == "c"
    return volume_of_array(path, "array", array, VoxelGrid.of_voxels(), is_kspace)


READERS: dict[str, Callable[[Path, ExitStack], ImageVolume]] = {
    ".nii": read_nifti,
    ".nii.gz": read_nifti,
    ".npy": _read_npy,
    ".h5": read_hdf5,
    ".hdf5": read_hdf5,
    ".mrd": read_hdf5,
    ".mat": read_mat,
    ".cfl": read_bart,
}
