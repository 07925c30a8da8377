"""Files that `kdmri reconstruct` reads, too: all images at once, or k-space to be read by slice."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.errors import InputError
from kdmri_tf.volumes import open_volume
from kdmri_tf.volumes.reading import WAY_OUT
from kdmri_tf.volumes.volume import ImageVolume, KspaceVolume


def read_volume(path: Path) -> NDArray[np.float32]:
    """Reads all slices of any file that `open_volume` knows.

    K-space becomes the root sum of squares over its coils of the |ortho inverse FFT|, in the size
    of the k-space; nothing is cropped here.

    Returns:
        Magnitude, float32 `(slices, H, W)`, in the units of the file.

    Raises:
        InputError: unreadable or truncated, wrong number of axes, empty, with a NaN or an infinity,
            or undersampled k-space.
    """
    with _opened(path) as volume:
        return magnitudes(volume)


def read_kspace(path: Path) -> NDArray[np.float32]:
    """Reads all slices of a file of k-space, as `read_volume` does.

    Raises:
        InputError: as `read_volume`, or images instead of k-space.
    """
    with open_kspace(path) as volume:
        return magnitudes(volume)


def magnitudes(volume: ImageVolume) -> NDArray[np.float32]:
    """Returns all slices, `(slices, H, W)`."""
    return np.stack([volume.magnitude(index) for index in range(volume.num_slices)])


@contextmanager
def open_kspace(path: Path) -> Iterator[KspaceVolume]:
    """Opens a file as `open_volume` does, and refuses images.

    Raises:
        InputError: as `open_volume`, images instead of k-space, or what reading a slice raises.
    """
    with _opened(path) as volume:
        if not isinstance(volume, KspaceVolume):
            raise InputError(f"{path} holds images, but k-space is needed.")
        yield volume


@contextmanager
def _opened(path: Path) -> Iterator[ImageVolume]:
    """Opens a file; errors, also those of reading its slices, say how to do without it."""
    try:
        with open_volume.open_volume(path) as volume:
            yield volume
    except InputError as error:
        raise InputError(f"{error} {WAY_OUT}") from error


READERS = dict.fromkeys(open_volume.READERS, read_volume)
KSPACE_SUFFIXES = tuple(suffix for suffix in READERS if not suffix.startswith(".nii"))
