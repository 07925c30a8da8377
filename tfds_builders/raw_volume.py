"""One 3-D volume of one patient, known by name and read only when asked."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Volume:
    """A volume in one or more parts.

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
    readers: dict[int, Callable[[], np.ndarray]]
    files: tuple[Path, ...] = ()
    note: str = ""


def volume_of_files(
    name: str,
    patient: str,
    files: dict[int, Path],
    read: Callable[[Path], np.ndarray],
    note: str = "",
) -> Volume:
    """Make a volume of files, each given with the index of its first slice."""
    readers = {first: partial(read, path) for first, path in files.items()}
    return Volume(name, patient, readers, tuple(files.values()), note)
