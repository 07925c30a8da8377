"""Files of raw k-space that are reconstructed."""

import numpy as np
import pytest
from scanner_file import kspace_of, mask_of, write_volume


@pytest.fixture
def full(tmp_path):
    """A fully sampled file of four coils."""
    return write_volume(tmp_path / "full.h5", kspace_of())


@pytest.fixture
def undersampled(tmp_path):
    """The same with columns of k-space missing, as it came."""
    path = tmp_path / "scan.h5"
    return write_volume(path, kspace_of() * np.fft.fftshift(mask_of()))
