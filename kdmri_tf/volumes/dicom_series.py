"""Images of a DICOM series: a folder of `.dcm` files, one slice each."""

import math
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.errors import InputError
from kdmri_tf.volumes.array_volume import check_array
from kdmri_tf.volumes.dicom_file import read_file
from kdmri_tf.volumes.geometry import VoxelGrid, can_be_written
from kdmri_tf.volumes.optional_package import package_for
from kdmri_tf.volumes.volume import ImageVolume

if TYPE_CHECKING:
    import pydicom

SUFFIX = ".dcm"
TO_FRONT = np.diag([-1.0, -1.0, 1.0, 1.0])  # DICOM: to the left and back; NIfTI: right and front
# What all slices of a volume share.
SHARED = ("SeriesInstanceUID", "Rows", "Columns", "PixelSpacing", "ImageOrientationPatient")
NEEDED = (*SHARED, "ImagePositionPatient")
# Parts of complex images, as ImageType names them.
PARTS = {"phase": {"P", "PHASE"}, "real part": {"R", "REAL"}, "imaginary part": {"I", "IMAGINARY"}}
LARGEST_STEP = 1.5  # times the smallest step between slices: more, and a slice is missing


def is_dicom(path: Path) -> bool:
    """Returns whether a path is a folder, which is read as a series, or a file of one."""
    return path.is_dir() or path.name.lower().endswith(SUFFIX)


def files_of_series(path: Path) -> list[Path]:
    """Lists the `.dcm` files of a folder, or the file itself."""
    if not path.is_dir():
        return [path]
    return sorted(
        file
        for file in path.iterdir()
        if file.name.lower().endswith(SUFFIX) and not file.name.startswith(".")
    )


def read_dicom(path: Path, stack: ExitStack) -> ImageVolume:
    """Returns the images of a DICOM series; see `open_volume`.

    Slices are in the order of their positions along the normal of their plane. Values are scaled by
    `RescaleSlope` and `RescaleIntercept`. Files are read one by one, when a slice is asked for.

    Args:
        path: folder of the series, or one file.
        stack: not used.
    """
    package_for(path, "pydicom")
    files = files_of_series(path)
    if not files:
        raise InputError(f"The folder {path} has no {SUFFIX} files; give one DICOM series.")
    slices = [(file, _header(file)) for file in files]
    _check_one_series(path, slices)
    first = slices[0][1]
    image_size = int(first.Rows), int(first.Columns)
    check_array(path, "series", (len(files), *image_size), image_size, np.dtype(np.float32))
    rows, columns = np.reshape(np.asarray(first.ImageOrientationPatient, float), (2, 3))
    normal = np.cross(rows, columns)
    slices.sort(key=lambda item: float(normal @ np.asarray(item[1].ImagePositionPatient, float)))
    positions = np.array([header.ImagePositionPatient for _, header in slices], float)
    step = _step(path, positions, normal, first)
    height, width = map(float, first.PixelSpacing)
    affine = np.eye(4)
    affine[:3] = np.stack([width * rows, height * columns, step, positions[0]], axis=1)
    affine = TO_FRONT @ affine
    if not can_be_written(affine):
        raise InputError(f"{path}: its headers do not say where the voxels are.")

    def read_slice(index: int) -> NDArray:
        return _pixels(slices[index][0], image_size)

    return ImageVolume(path, len(files), image_size, VoxelGrid(affine), read_slice)


def _header(file: Path) -> "pydicom.Dataset":
    """Reads everything but the pixels."""
    header = read_file(file, with_pixels=False)
    missing = [name for name in NEEDED if name not in header]
    if missing:
        raise InputError(f"{file} lacks {missing[0]}: it is no slice of an MR series.")
    if int(header.get("NumberOfFrames", 1)) > 1:
        raise InputError(
            f"{file} has several frames (enhanced DICOM): convert it to NIfTI, for instance with "
            "dcm2niix."
        )
    if int(header.get("SamplesPerPixel", 1)) != 1:
        raise InputError(f"{file} is a picture in colour, but must be an image of one channel.")
    kinds = header.get("ImageType", ())
    kinds = {kinds} if isinstance(kinds, str) else set(kinds)
    for part, names in PARTS.items():
        if kinds & names:
            raise InputError(f"{file} shows the {part}: give the series of the magnitude.")
    return header


def _check_one_series(path: Path, slices: list[tuple[Path, "pydicom.Dataset"]]) -> None:
    """Refuses slices of different series, sizes or orientations."""
    for name in SHARED:
        different = {str(header[name].value) for _, header in slices}
        if len(different) > 1:
            raise InputError(
                f"The files in {path} differ in {name} ({len(different)} values): give a folder "
                "with one series only."
            )


def _step(
    path: Path, positions: NDArray[np.float64], normal: NDArray, first: "pydicom.Dataset"
) -> NDArray[np.float64]:
    """Returns the way from one slice to the next in mm, `(3,)`."""
    if len(positions) == 1:
        return normal * float(first.get("SliceThickness") or 1)
    steps = np.diff(positions @ normal)
    if steps.min() <= 0 or math.isclose(steps.min(), 0, abs_tol=1e-3):
        raise InputError(
            f"{path} has several images at the same position, such as echoes or frames of a film: "
            "give a folder with one of them only."
        )
    if steps.max() > LARGEST_STEP * steps.min():
        raise InputError(
            f"{path} has steps of {steps.min():.4g} to {steps.max():.4g} mm between its slices: a "
            "slice seems to be missing."
        )
    return (positions[-1] - positions[0]) / (len(positions) - 1)


def _pixels(file: Path, image_size: tuple[int, int]) -> NDArray[np.float32]:
    dataset = read_file(file)
    pixels = dataset.pixel_array
    if pixels.shape != image_size:
        raise InputError(f"{file} holds an image of shape {pixels.shape} instead of {image_size}.")
    slope, intercept = dataset.get("RescaleSlope", 1), dataset.get("RescaleIntercept", 0)
    image = pixels.astype(np.float32) * float(slope) + float(intercept)
    if dataset.get("PhotometricInterpretation") == "MONOCHROME1":
        raise InputError(
            f"{file} shows its smallest values as white (MONOCHROME1), so that it is no plain "
            "magnitude: convert it, for instance with dcm2niix."
        )
    return image
