"""HDF5 files of fastMRI, of images, and of ISMRMRD."""

import dataclasses
from contextlib import ExitStack
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from kdmri_tf.errors import InputError
from kdmri_tf.volumes.array_volume import volume_of_array
from kdmri_tf.volumes.geometry import grid_of_fastmri, rows_of_readout
from kdmri_tf.volumes.hdf5_content import dataset_within, has_link
from kdmri_tf.volumes.ismrmrd_file import is_ismrmrd, read_ismrmrd
from kdmri_tf.volumes.volume import ImageVolume, KspaceVolume

HDF5_DATASETS = ("kspace", "image", "reconstruction_esc", "reconstruction_rss")
HEADER, MASK = "ismrmrd_header", "mask"


def read_hdf5(path: Path, stack: ExitStack) -> ImageVolume:
    """Returns the k-space or images of an HDF5 file; see `open_volume`.

    HDF5 itself checks the checksums of a dataset that has them (`fletcher32`, or `gzip`).
    """
    file = stack.enter_context(h5py.File(path))
    name = next((name for name in HDF5_DATASETS if has_link(file, name)), None)
    if name is None and is_ismrmrd(file):
        return read_ismrmrd(path, file)
    if name is None:
        needed, found = ", ".join(HDF5_DATASETS), ", ".join(file) or "nothing"
        raise InputError(f"{path} has none of the datasets {needed} (it has: {found}).")
    dataset = dataset_within(file, name, path)
    if name == "kspace" and dataset.dtype.kind != "c":
        raise InputError(f"{path}: 'kspace' is {dataset.dtype}, but must be complex.")
    header = _header(file, path)
    grid = grid_of_fastmri(header, dataset.shape[-2:])
    volume = volume_of_array(path, name, dataset, grid, is_kspace=name == "kspace")
    if not isinstance(volume, KspaceVolume):
        return volume
    mask = _line_mask(file, path, volume.image_size) if has_link(file, MASK) else None
    rows = rows_of_readout(header, volume.image_size[0])
    return dataclasses.replace(volume, mask=mask, readout_rows=rows)


def _line_mask(file: h5py.File, path: Path, image_size: tuple[int, int]) -> NDArray[np.bool_]:
    """Returns the `mask` of a file of fastMRI's test set: which lines along W are measured.

    Returns:
        bool `(H, W)`, unshifted.

    Raises:
        InputError: it is no mask of lines, or of another length.
    """
    width = image_size[1]
    dataset = dataset_within(file, MASK, path)
    if dataset.size != width or max(dataset.shape) != width or dataset.dtype.kind not in "biuf":
        raise InputError(
            f"{path}: '{MASK}' is {dataset.dtype} of shape {dataset.shape}, but must say for each "
            f"of the {width} columns of k-space whether it is measured, as fastMRI's test files do."
        )
    lines = np.fft.ifftshift(dataset[()].reshape(-1) != 0)
    return np.broadcast_to(lines, image_size)


def _header(file: h5py.File, path: Path) -> str | bytes | None:
    """Returns the XML of `ismrmrd_header`: a string, or as ISMRMRD writes it, a list of one."""
    if not has_link(file, HEADER):
        return None
    try:
        dataset = dataset_within(file, HEADER, path)
    except InputError:
        return None
    if h5py.check_string_dtype(dataset.dtype) is None or dataset.size != 1:
        return None
    return np.asarray(dataset[()], object).item()
