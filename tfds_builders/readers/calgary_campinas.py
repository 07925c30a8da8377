"""Raw data of the Calgary-Campinas set: one file of k-space a volume, single or multi-channel."""

import dataclasses
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from kdmri_tf.arrays import open_array
from kdmri_tf.errors import InputError
from kdmri_tf.volumes.array_volume import check_array
from kdmri_tf.volumes.geometry import VoxelGrid
from kdmri_tf.volumes.hdf5_content import dataset_within, has_link
from kdmri_tf.volumes.kspace_convention import warn_of_rolled_image
from kdmri_tf.volumes.kspace_gaps import refuse_gaps
from kdmri_tf.volumes.reading import WAY_OUT, magnitude_volume, reading
from kdmri_tf.volumes.volume import KspaceVolume
from tfds_builders.readers.any_volume import magnitudes, open_kspace

# As in SFT-KD-Recon (2023): further out there is little brain.
NUM_CENTRE_SLICES = 110


def read_single_channel(path: Path) -> NDArray[np.float32]:
    """Reads the centre 110 slices of a volume, or all where there are fewer.

    The file holds k-space, float32 `(slices, H, W, 2)` (real, imaginary), uncentred; the images are
    |ortho inverse FFT|. Warns if the middle one seems to be rolled. The file is memory-mapped:
    slices that are left out are not read.

    Returns:
        Magnitude, float32 `(slices, H, W)`.

    Raises:
        InputError: unreadable or truncated, not float32, of another shape, empty, too large,
            undersampled, or with a NaN or an infinity.
    """
    with reading(path):
        try:
            kspace = open_array(path)
        except InputError as error:
            raise InputError(f"{error} {WAY_OUT}") from error
        if kspace.dtype != np.float32 or kspace.ndim != 4 or kspace.shape[-1] != 2:
            raise InputError(
                f"{path} is {kspace.dtype} of shape {kspace.shape}, but float32 (slices, height, "
                f"width, 2) is needed, real and imaginary part. {WAY_OUT}"
            )
        if kspace.size == 0:
            raise InputError(f"{path} is empty: its shape is {kspace.shape}. {WAY_OUT}")
        check_array(path, "k-space", kspace.shape, kspace.shape[1:3], kspace.dtype)
        first = _first_slice(len(kspace))
        chosen = kspace[first : first + NUM_CENTRE_SLICES]
        for index, samples in enumerate((chosen != 0).any(axis=-1), start=first):
            refuse_gaps(samples, path, f"slice {index}")
        images = np.abs(np.fft.ifft2(chosen[..., 0] + 1j * chosen[..., 1], norm="ortho"))
        volume = magnitude_volume(images, path)
    warn_of_rolled_image(volume[len(volume) // 2], path, first + len(volume) // 2)
    return volume


@contextmanager
def open_single_channel(path: Path) -> Iterator[KspaceVolume]:
    """Opens the k-space of the slices that `read_single_channel` takes.

    Raises:
        InputError: as `open_kspace`.
    """
    with open_kspace(path) as volume:
        yield _centre_slices(volume)


def read_multi_channel(path: Path) -> NDArray[np.float32]:
    """Reads the centre 110 slices of a volume of 12 channels, combined by root sum of squares.

    Returns:
        Magnitude, float32 `(slices, H, W)`.

    Raises:
        InputError: as `open_multi_channel`, or the k-space is undersampled.
    """
    with open_multi_channel(path) as volume:
        return magnitudes(volume)


@contextmanager
def open_multi_channel(path: Path) -> Iterator[KspaceVolume]:
    """Opens the k-space of the centre 110 slices of a volume.

    The file has the dataset `kspace`, float `(slices, H, W, 2 channels)`, real and imaginary parts
    of the channels in turn, uncentred; the readout is an image axis already, that of the slices.

    Raises:
        InputError: unreadable or truncated, no such dataset, not real, an odd number of parts, too
            large, or a slice with a NaN or an infinity.
    """
    try:
        with ExitStack() as stack:
            with reading(path, way_out=""):
                volume = _multi_channel(path, stack)
            volume.check()
            yield _centre_slices(volume)
    except InputError as error:
        raise InputError(f"{error} {WAY_OUT}") from error


def _multi_channel(path: Path, stack: ExitStack) -> KspaceVolume:
    file = stack.enter_context(h5py.File(path))
    if not has_link(file, "kspace"):
        raise InputError(f"{path} has no dataset 'kspace'.")
    dataset = dataset_within(file, "kspace", path)
    if dataset.dtype.kind != "f" or dataset.ndim != 4 or dataset.shape[-1] % 2:
        raise InputError(
            f"{path}: 'kspace' is {dataset.dtype} of shape {dataset.shape}, but floats (slices, "
            "height, width, 2 channels) are needed, real and imaginary parts in turn."
        )
    num_slices, height, width, parts = dataset.shape
    check_array(path, "kspace", dataset.shape, (height, width), dataset.dtype)

    def read_slice(index: int) -> NDArray:
        values = np.moveaxis(dataset[index], -1, 0)
        return values[::2] + 1j * values[1::2]

    grid = VoxelGrid.of_voxels()
    facts = path, num_slices, (height, width), grid, read_slice
    return KspaceVolume(*facts, num_coils=parts // 2, centered=False)


def _centre_slices(volume: KspaceVolume) -> KspaceVolume:
    first = _first_slice(volume.num_slices)
    return dataclasses.replace(
        volume,
        num_slices=min(NUM_CENTRE_SLICES, volume.num_slices),
        read_slice=lambda index: volume.read_slice(first + index),
        slice_name=lambda index: volume.slice_name(first + index),
    )


def _first_slice(num_slices: int) -> int:
    return max(0, (num_slices - NUM_CENTRE_SLICES) // 2)
