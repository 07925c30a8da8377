"""Reconstructed volumes as files, written slice by slice and put in place at the end."""

import math
import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import h5py
import nibabel
import numpy as np

from kdmri_tf.errors import InputError

DESCRIPTION_BYTES = 79  # of a NIfTI header
LONGEST_NIFTI_AXIS = 2**15 - 1


def check_output(path, sources):
    """Refuses a place that a volume cannot be written to.

    Args:
        path: the file to write.
        sources: files that must not be overwritten.

    Raises:
        InputError: an unknown suffix, a folder that is not there or cannot be written, a folder in
            place of the file or its preview, or one of the sources.
    """
    path = Path(path)
    if not path.name.lower().endswith(SUFFIXES):
        raise InputError(f"{path} is of no known kind; the output may be {', '.join(SUFFIXES)}.")
    if not path.parent.is_dir():
        raise InputError(
            f"There is no folder {path.parent} to write {path.name} to; make it first."
        )
    if not os.access(path.parent, os.W_OK):
        raise InputError(f"The folder {path.parent} cannot be written; choose another output.")
    for place in (path, preview_beside(path)):
        if place.is_dir():
            raise InputError(f"{place} is a folder; give the name of another file.")
    for source in map(Path, sources):
        if path.resolve() == source.resolve():
            raise InputError(f"The output {path} would overwrite what is read; choose another.")


def preview_beside(path):
    """The `.png` beside an output."""
    path = Path(path)
    return path.with_name(path.name[: -len(suffix_of(path))] + ".png")


def suffix_of(path):
    """Which of the known suffixes a file has, such as ".nii.gz"."""
    name = Path(path).name.lower()
    return next(suffix for suffix in SUFFIXES if name.endswith(suffix))


@contextmanager
def volume_output(path, shape, grid, note):
    """Gives an array on disk, and makes it a file when the context ends without an exception.

    ::

        with volume_output("knee.nii.gz", (30, 320, 320), grid, "D3C5") as slices:
            slices[0] = image

    NIfTI: float32 (x, y, slices), x along W and y along H, in the place that `grid` says. HDF5: the
    dataset `reconstruction`, as fastMRI's submissions have it. NumPy: the array. Until the end all
    lies in a temporary folder beside `path`; a file that is there is then replaced at one stroke.

    Args:
        path: `.nii`, `.nii.gz`, `.h5` or `.npy`; see `check_output`.
        shape: (slices, H, W).
        grid: `VoxelGrid`.
        note: what is to be known of the volume; written where the format has a place for it.

    Returns:
        float32 `(slices, H, W)`, all 0, memory-mapped.

    Raises:
        InputError: there is no room on the disk, or too many slices for NIfTI.
    """
    path, suffix = Path(path), suffix_of(path)
    if WRITERS.get(suffix) is _write_nifti and max(shape) > LONGEST_NIFTI_AXIS:
        raise InputError(
            f"{path} would have {max(shape)} voxels along an axis, and NIfTI has at most "
            f"{LONGEST_NIFTI_AXIS}; write .h5 or .npy."
        )
    num_bytes = 4 * math.prod(shape) * (1 if suffix == ".npy" else 2)
    free = shutil.disk_usage(path.parent).free
    if free < num_bytes:
        raise InputError(
            f"{path} needs {num_bytes / 2**20:.0f} MiB on the disk, but {free / 2**20:.0f} MiB are "
            "free; make room or choose another folder."
        )
    with TemporaryDirectory(prefix=f"{path.name}.partial-", dir=path.parent) as folder:
        array_path, finished = Path(folder, "volume.npy"), Path(folder, f"volume{suffix}")
        slices = np.lib.format.open_memmap(array_path, "w+", np.float32, shape=tuple(shape))
        yield slices
        slices.flush()
        if finished != array_path:
            WRITERS[suffix](finished, slices, grid, note)
        finished.replace(path)


def _write_nifti(path, slices, grid, note):
    image = nibabel.Nifti1Image(slices.transpose(2, 1, 0), grid.affine, grid.header)
    image.set_data_dtype(np.float32)
    image.header["descrip"] = note.encode()[:DESCRIPTION_BYTES]
    if grid.header is None:
        image.header.set_xyzt_units("mm")
    image.to_filename(path)


def _write_hdf5(path, slices, grid, note):
    with h5py.File(path, "w") as file:
        file["reconstruction"] = slices
        file.attrs["note"] = note


WRITERS = {".nii": _write_nifti, ".nii.gz": _write_nifti, ".h5": _write_hdf5}
SUFFIXES = (*WRITERS, ".npy")
