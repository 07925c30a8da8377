"""fastMRI HDF5 files: centred k-space of one coil or of many."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.volumes.volume import KspaceVolume
from tfds_builders.readers.any_volume import read_volume


def read_fastmri(path: Path) -> NDArray[np.float32]:
    """Reads the dataset `kspace` of a fastMRI file, which it must have, and returns its images.

    One coil, complex `(slices, H, W)`, or several, `(slices, coils, H, W)`; the images, and the
    errors that are raised, are those of `read_volume`.

    Returns:
        Magnitude, float32 `(slices, H, W)`.
    """
    return read_volume(path, KspaceVolume)
