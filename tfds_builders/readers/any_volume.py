"""All slices of a file at once, read as `kdmri reconstruct` reads them one by one."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.errors import InputError
from kdmri_tf.volumes import open_volume
from kdmri_tf.volumes.reading import WAY_OUT
from kdmri_tf.volumes.volume import ImageVolume


def read_volume(path: Path, content: type[ImageVolume] = ImageVolume) -> NDArray[np.float32]:
    """Reads a NIfTI, HDF5 or NumPy file as `open_volume` does.

    K-space becomes the root sum of squares over its coils of the |ortho inverse FFT|, in the size
    of the k-space; nothing is cropped here.

    Args:
        path: the file.
        content: `KspaceVolume` if it must be k-space.

    Returns:
        Magnitude, float32 `(slices, H, W)`, in the units of the file.

    Raises:
        InputError: unreadable or truncated, wrong number of axes, empty, with a NaN or an infinity,
            undersampled k-space, or images instead of k-space.
    """
    try:
        with open_volume.open_volume(path) as volume:
            if not isinstance(volume, content):
                raise InputError(f"{path} holds images, but k-space is needed.")
            return np.stack([volume.magnitude(index) for index in range(volume.num_slices)])
    except InputError as error:
        raise InputError(f"{error} {WAY_OUT}") from error


READERS = dict.fromkeys(open_volume.READERS, read_volume)
