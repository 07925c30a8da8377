"""Fixtures that many tests share."""

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest

from kdmri_tf import load_data, phantom_volume

SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(scope="session")
def shared():
    """The folder of real data, masks and golden numbers; tests that need it skip without it."""
    if not SHARED.is_dir():
        pytest.skip("there is no folder ../shared")
    return SHARED


@pytest.fixture(scope="session")
def manual_dir(tmp_path_factory):
    """Raw files of a tiny cardiac data set: 6 slices to train on, 4 to validate."""
    root = tmp_path_factory.mktemp("raw")
    for split, seeds in (("train", (1, 2, 3)), ("validation", (11, 12))):
        folder = root / "cardiac" / "folder" / split
        folder.mkdir(parents=True)
        for seed in seeds:
            np.save(folder / f"heart{seed}.npy", phantom_volume("cardiac", (36, 34), 2, seed))
    return root


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory):
    """Where prepared data sets are kept during the tests."""
    return tmp_path_factory.mktemp("prepared")


@pytest.fixture(scope="session")
def data(manual_dir, data_dir):
    """The tiny data set, undersampled twofold."""
    return load_data(
        "cardiac",
        2,
        source="folder",
        manual_dir=manual_dir,
        data_dir=data_dir,
        image_size=(36, 34),
    )


@pytest.fixture(scope="session")
def images():
    """Two synthetic slices of an odd size, float32 (slices, H, W, 1)."""
    return phantom_volume("brain", (45, 36), num_slices=2, seed=5)[..., np.newaxis]


@pytest.fixture
def inputs(images):
    """The same slices, undersampled, as a model takes them."""
    return undersample(images[..., 0], acceleration=3)


def undersample(images, acceleration):
    """Model inputs from images (slices, H, W), by NumPy alone."""
    from kdmri_tf import gaussian_mask

    mask = gaussian_mask(images.shape[1:], acceleration, center_lines=6)
    kspace = np.fft.fft2(images, norm="ortho") * mask
    return {
        "kspace": np.stack([kspace.real, kspace.imag], axis=-1).astype(np.float32),
        "mask": np.broadcast_to(mask, images.shape).copy(),
    }
