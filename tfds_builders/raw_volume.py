"""One 3-D volume of one patient, known by name and read only when asked."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


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
    """

    name: str
    patient: str
    readers: Mapping[int, Callable[[], NDArray[np.float32]]]
    files: tuple[Path, ...] = ()
    note: str = ""


Splits = dict[str, list[RawVolume]]


def volume_of_files(
    name: str,
    patient: str,
    files: dict[int, Path],
    read: Callable[[Path], NDArray[np.float32]],
    note: str = "",
) -> RawVolume:
    """Returns the volume of some files, each given with the index of its first slice.

    Names that come from file names which are not UTF-8 have their other bytes spelled out, such as
    `h\\xe4nsel`: TFDS and JSON keep no others.
    """
    name, patient = spelled_out(name), spelled_out(patient)
    readers = {first: partial(read, path) for first, path in files.items()}
    return RawVolume(name, patient, readers, tuple(files.values()), note)


def spelled_out(name: str) -> str:
    """Returns a path, or a text with paths, as UTF-8 can say it.

    Example:
        >>> print(spelled_out(os.fsdecode(b"h\\xe4nsel")))
        h\\xe4nsel
    """
    return os.fsencode(name).decode("utf-8", "backslashreplace")
