"""Raw acquisitions in ISMRMRD's HDF5 files, sorted into k-space."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from kdmri_tf.errors import InputError
from kdmri_tf.sizes import check_acquisitions
from kdmri_tf.volumes.array_volume import check_array
from kdmri_tf.volumes.geometry import grid_of_fastmri, rows_of_readout
from kdmri_tf.volumes.hdf5_content import dataset_within, has_link
from kdmri_tf.volumes.optional_package import package_for
from kdmri_tf.volumes.volume import KspaceVolume

GROUP = "dataset"  # where ISMRMRD's tools put a measurement
# Counters that make slices of their own; lines of other averages and segments are put together.
COUNTERS = ("slice", "contrast", "phase", "repetition", "set")
NOT_IMAGING = (
    *("NOISE_MEASUREMENT", "NAVIGATION_DATA", "PHASECORR_DATA", "HPFEEDBACK_DATA"),
    *("DUMMYSCAN_DATA", "RTFEEDBACK_DATA", "SURFACECOILCORRECTIONSCAN_DATA"),
)


@dataclass(frozen=True)
class _Line:
    """One line of k-space: where it belongs, and which row of the file holds its samples."""

    index: int
    key: tuple[int, ...]
    column: int
    start: int
    samples: slice


def is_ismrmrd(file: h5py.File) -> bool:
    """Returns whether a file seems to hold raw acquisitions, without following a link out of it."""
    if not has_link(file, GROUP) or not isinstance(file.get(GROUP, getlink=True), h5py.HardLink):
        return False
    group = file[GROUP]
    return isinstance(group, h5py.Group) and {"data", "xml"} <= set(group)


def read_ismrmrd(path: Path, file: h5py.File) -> KspaceVolume:
    """Returns the k-space of a file of raw acquisitions; see `open_volume`.

    Two-dimensional Cartesian sampling only. The readout runs along H and the first encoding step
    along W, each about its centre. Lines that are measured more than once are averaged. Noise,
    navigator and phase correction lines are left out, and calibration lines unless they are
    embedded. Slices, contrasts, phases of a film, repetitions and sets become slices.

    Args:
        path: of the file.
        file: open.

    Raises:
        InputError: another trajectory, three-dimensional, several encodings, reversed lines, lines
            of different numbers of channels, or lines that do not fit into the encoded space.
    """
    ismrmrd = package_for(path, "ismrmrd")
    data = dataset_within(file, f"{GROUP}/data", path)
    check_acquisitions(data.size, str(path))
    text = _header(path, dataset_within(file, f"{GROUP}/xml", path))
    encoding = _only_encoding(path, ismrmrd.xsd.CreateFromDocument(text))
    matrix = encoding.encodedSpace.matrixSize
    image_size = int(matrix.x), int(matrix.y)
    heads = data["head"]
    lines = list(_lines(path, ismrmrd, encoding, heads))
    if not lines:
        raise InputError(f"{path} has no acquisitions of an image.")
    channels = {int(heads[line.index]["active_channels"]) for line in lines}
    if len(channels) > 1:
        raise InputError(f"{path} has lines of {min(channels)} and of {max(channels)} channels.")
    keys = sorted({line.key for line in lines})
    shape = (len(keys), channels.pop(), *image_size)
    check_array(path, "k-space", shape, image_size, np.dtype(np.complex64))
    kspace = _sorted(data, lines, keys, shape, heads)
    names = _names(keys)
    return KspaceVolume(
        path,
        len(keys),
        image_size,
        grid_of_fastmri(text, image_size),
        kspace.__getitem__,
        names.__getitem__,
        num_coils=shape[1],
        readout_rows=rows_of_readout(text, image_size[0]),
    )


def _header(path: Path, dataset: h5py.Dataset) -> bytes:
    """Returns the XML, of which there is one."""
    if dataset.size != 1 or h5py.check_string_dtype(dataset.dtype) is None:
        raise InputError(
            f"{path}: '{GROUP}/xml' is {dataset.dtype} of shape {dataset.shape}, but must be one "
            "text, the header."
        )
    return np.asarray(dataset[()], object).item()


def _only_encoding(path: Path, header: Any) -> Any:
    """Returns the encoding of a header, and refuses what is not Cartesian in two dimensions."""
    if len(header.encoding) != 1:
        raise InputError(f"{path} has {len(header.encoding)} encodings, but only one can be read.")
    (encoding,) = header.encoding
    trajectory = getattr(encoding.trajectory, "value", encoding.trajectory)
    if trajectory != "cartesian":
        raise InputError(
            f"{path} was measured along a trajectory of the kind '{trajectory}', but only "
            "Cartesian sampling can be read: grid it first."
        )
    depth = encoding.encodedSpace.matrixSize.z
    if depth > 1:
        raise InputError(
            f"{path} has three-dimensional k-space, {depth} steps along z, but only slices can be "
            "read: make slices of it by an inverse FFT along one axis."
        )
    return encoding


def _lines(path: Path, ismrmrd: Any, encoding: Any, heads: NDArray) -> Iterator[_Line]:
    """Yields the lines of images in the order of the file."""

    def flag(name: str) -> int:
        return 1 << (getattr(ismrmrd, f"ACQ_IS_{name}") - 1)

    left_out = sum(map(flag, NOT_IMAGING))
    if not _is_embedded(encoding):
        left_out |= flag("PARALLEL_CALIBRATION")
    rows, columns = encoding.encodedSpace.matrixSize.x, encoding.encodedSpace.matrixSize.y
    limits = encoding.encodingLimits and encoding.encodingLimits.kspace_encoding_step_1
    centre = limits.center if limits else columns // 2
    for index, head in enumerate(heads):
        flags = int(head["flags"])
        if flags & left_out:
            continue
        if flags & flag("REVERSE"):
            raise InputError(f"{path} has lines measured in reverse (EPI), which cannot be read.")
        counters = head["idx"]
        column = int(counters["kspace_encode_step_1"]) - centre + columns // 2
        first, last = int(head["discard_pre"]), int(head["discard_post"])
        number = int(head["number_of_samples"])
        kept = number - first - last
        start = rows // 2 - int(head["center_sample"]) + first if kept != rows else 0
        if not 0 <= column < columns or not 0 <= start <= start + kept <= rows or kept < 1:
            raise InputError(
                f"{path}: acquisition {index} (the first is 0), of {kept} samples at step "
                f"{int(counters['kspace_encode_step_1'])}, does not fit into the encoded space of "
                f"{rows}x{columns} that the header announces."
            )
        key = tuple(int(counters[name]) for name in COUNTERS)
        yield _Line(index, key, column, start, slice(first, number - last))


def _is_embedded(encoding: Any) -> bool:
    """Returns whether calibration lines belong to the image."""
    parallel = encoding.parallelImaging
    mode = getattr(parallel, "calibrationMode", None)
    return getattr(mode, "value", mode) in (None, "embedded")


def _sorted(
    data: h5py.Dataset,
    lines: list[_Line],
    keys: list[tuple[int, ...]],
    shape: tuple[int, ...],
    heads: NDArray,
) -> NDArray[np.complex64]:
    """Returns k-space `(slices, coils, H, W)`, the mean of lines measured more than once."""
    kspace = np.zeros(shape, np.complex64)
    times = np.zeros((len(keys), shape[3]), int)
    places = {key: place for place, key in enumerate(keys)}
    for line in lines:
        place = places[line.key]
        samples = data[line.index]["data"].view(np.complex64)
        samples = samples.reshape(shape[1], int(heads[line.index]["number_of_samples"]))
        kept = samples[:, line.samples]
        kspace[place, :, line.start : line.start + kept.shape[1], line.column] += kept
        times[place, line.column] += 1
    kspace /= np.maximum(times, 1)[:, np.newaxis, np.newaxis]
    return kspace


def _names(keys: list[tuple[int, ...]]) -> list[str]:
    """Returns what to call the slices: "slice 3", with the counters that differ, "phase 2"."""
    differ = [len({key[place] for key in keys}) > 1 for place in range(len(COUNTERS))]
    differ[0] = True
    return [
        ", ".join(
            f"{name} {number}"
            for name, number, differs in zip(COUNTERS, key, differ, strict=True)
            if differs
        )
        for key in keys
    ]
