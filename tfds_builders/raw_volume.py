"""One 3-D volume of one patient, known by name and read only when asked."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.files import printable
from kdmri_tf.volumes.volume import KspaceVolume

OpenKspace = Callable[[], AbstractContextManager[KspaceVolume]]


@dataclass(frozen=True)
class RawVolume:
    """Describes a volume in one or more parts, none of which is read yet.

    Attributes:
        name: identifies the volume within its split.
        patient: whose volume it is; all volumes of a patient are in one split.
        readers: index of a part's first slice in the volume -> function that returns the part,
            magnitude, float32 `(slices, H, W)`; in order.
        files: the raw files behind the readers.
        note: something about the volume that its user should know, or empty.
        kspace: index of a part's first slice -> function that opens the k-space of that part; empty
            if the source has images only.
    """

    name: str
    patient: str
    readers: Mapping[int, Callable[[], NDArray[np.float32]]]
    files: tuple[Path, ...] = ()
    note: str = ""
    kspace: Mapping[int, OpenKspace] = field(default_factory=dict)


Splits = dict[str, list[RawVolume]]


def volume_of_files(
    name: str,
    patient: str,
    files: dict[int, Path],
    read: Callable[[Path], NDArray[np.float32]],
    note: str = "",
    open_kspace: Callable[[Path], AbstractContextManager[KspaceVolume]] | None = None,
) -> RawVolume:
    """Returns the volume of some files, each given with the index of its first slice.

    Names that come from file names which are not UTF-8 have their other bytes spelled out, such as
    `h\\xe4nsel`: TFDS and JSON keep no others.
    """
    name, patient = printable(name), printable(patient)
    readers = {first: partial(read, path) for first, path in files.items()}
    kspace: dict[int, OpenKspace] = {}
    if open_kspace is not None:
        kspace = {first: partial(open_kspace, path) for first, path in files.items()}
    return RawVolume(name, patient, readers, tuple(_with_headers(files.values())), note, kspace)


def _with_headers(files: Iterable[Path]) -> Iterator[Path]:
    """Yields files, and the headers that BART keeps beside its own."""
    for path in files:
        yield path
        header = path.with_suffix(".hdr")
        if path.suffix.lower() == ".cfl" and header.exists():
            yield header
