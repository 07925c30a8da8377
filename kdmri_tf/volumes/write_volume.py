"""Writes reconstructed volumes slice by slice, to files that are whole or not there at all."""

import math
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray

from kdmri_tf.errors import InputError
from kdmri_tf.files import printable, replacing
from kdmri_tf.volumes.arrays_on_disk import new_hdf5, new_npy
from kdmri_tf.volumes.geometry import VoxelGrid

DESCRIPTION_BYTES = 79  # of a NIfTI header
LONGEST_NIFTI_AXIS = 2**15 - 1
SUFFIXES = (".nii", ".nii.gz", ".h5", ".npy")


def check_output(path: str | PathLike[str], sources: Iterable[str | PathLike[str]]) -> None:
    """Refuses a path that a volume cannot be written to.

    Args:
        path: the file to write.
        sources: files that must not be overwritten.

    Raises:
        InputError: an unknown suffix, a folder that is missing or not writable, a folder in place
            of the file or its preview, or one of the sources.
    """
    path = Path(path)
    if not path.name.lower().endswith(SUFFIXES):
        raise InputError(f"{path} has an unknown suffix; use one of {', '.join(SUFFIXES)}.")
    if not path.parent.is_dir():
        raise InputError(
            f"There is no folder {path.parent} to write {path.name} to; create it first."
        )
    if not os.access(path.parent, os.W_OK):
        raise InputError(f"The folder {path.parent} is not writable; choose another output.")
    for place in (path, preview_beside(path)):
        if place.is_dir():
            raise InputError(f"{place} is a folder; give the name of another file.")
    for source in map(Path, sources):
        if path.resolve() == source.resolve():
            raise InputError(f"The output {path} would overwrite an input; choose another name.")


def preview_beside(path: str | PathLike[str]) -> Path:
    """Returns the `.png` beside an output.

    Example:
        >>> preview_beside("knee.nii.gz").name
        'knee.png'
    """
    path = Path(path)
    return path.with_name(path.name[: -len(suffix_of(path))] + ".png")


def phase_beside(path: str | PathLike[str]) -> Path:
    """Returns the file for the phase of complex images, beside that of their magnitudes.

    Example:
        >>> phase_beside("knee.nii.gz").name
        'knee-phase.nii.gz'
    """
    path, suffix = Path(path), suffix_of(path)
    return path.with_name(f"{path.name[: -len(suffix)]}-phase{path.name[-len(suffix) :]}")


def suffix_of(path: str | PathLike[str]) -> str:
    """Returns which of the known suffixes a file has, such as ".nii.gz"."""
    name = Path(path).name.lower()
    return next(suffix for suffix in SUFFIXES if name.endswith(suffix))


@contextmanager
def volume_output(
    path: str | PathLike[str],
    shape: Sequence[int],
    grid: VoxelGrid,
    note: str,
    complex_values: bool = False,
) -> Iterator[NDArray[Any]]:
    """Yields an array on disk that becomes a file when the context ends without an exception.

    NIfTI: float32 (x, y, slices), x along W and y along H, in the place that `grid` says. HDF5: the
    dataset `reconstruction`, as in fastMRI's submissions. NumPy: the array. An earlier file is
    replaced at one stroke, see `replacing`.

    Args:
        path: `.nii`, `.nii.gz`, `.h5` or `.npy`; see `check_output`.
        shape: (slices, H, W).
        grid: where the voxels lie.
        note: what to know about the volume; written if the format has a place for it.
        complex_values: keeps real and imaginary part, which only `.npy` can.

    Yields:
        float32 `(slices, H, W)`, or complex64, all 0, memory-mapped.

    Raises:
        InputError: there is not enough room on the disk, or too many slices for NIfTI. Nothing
            half-written is left then, and an earlier file is whole.

    Example:
        >>> import tempfile
        >>> from kdmri_tf.volumes.open_volume import open_volume
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "knee.nii.gz")
        ...     with volume_output(path, (2, 8, 6), VoxelGrid.of_voxels(), "D3C5") as slices:
        ...         slices[1] = np.full((8, 6), 7)
        ...     with open_volume(path) as volume:
        ...         volume.image_size, volume.magnitude(1).max().item()
        ((8, 6), 7.0)
    """
    path, suffix = Path(path), suffix_of(path)
    note = printable(note)  # it may have names of files
    is_nifti = suffix.startswith(".nii")
    if complex_values and suffix != ".npy":
        raise InputError(f"{path} cannot hold complex images: write .npy.")
    if is_nifti and max(shape) > LONGEST_NIFTI_AXIS:
        raise InputError(
            f"{path} would have {max(shape)} voxels along an axis, but NIfTI has at most "
            f"{LONGEST_NIFTI_AXIS}; write .h5 or .npy."
        )
    num_bytes = 4 * math.prod(shape) * (2 if is_nifti or complex_values else 1)
    free = shutil.disk_usage(path.parent).free
    if free < num_bytes:
        raise InputError(
            f"{path} needs {_in_words(num_bytes)} on the disk, but only {_in_words(free)} are "
            "free; make room or choose another folder."
        )
    in_use = False
    try:
        with replacing(path) as place:
            if suffix == ".h5":
                slices = new_hdf5(place, shape, note)
            else:
                dtype = np.complex64 if complex_values else np.float32
                slices = new_npy(place.with_name("slices.npy") if is_nifti else place, shape, dtype)
            in_use = True
            yield slices
            in_use = False
            slices.flush()
            if is_nifti:
                _write_nifti(place, slices, grid, note)
    except OSError as error:
        if in_use:  # it is of whoever computes the slices
            raise
        reason = "no space left on device" if "No space" in str(error) else str(error)
        raise InputError(
            f"{path} cannot be written ({reason}); make room or choose another folder."
        ) from error


def _in_words(num_bytes: int) -> str:
    mebibytes = num_bytes / 2**20
    return f"{mebibytes:.0f} MiB" if mebibytes >= 10 else f"{num_bytes / 2**10:.0f} KiB"


def _write_nifti(path: Path, slices: NDArray[np.float32], grid: VoxelGrid, note: str) -> None:
    image = nibabel.Nifti1Image(slices.transpose(2, 1, 0), grid.affine, grid.header)
    image.set_data_dtype(np.float32)
    image.header["descrip"] = note.encode()[:DESCRIPTION_BYTES]
    if grid.header is None:
        image.header.set_xyzt_units("mm")
    image.to_filename(path)
