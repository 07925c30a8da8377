"""Fixtures that many tests share."""

import dataclasses
import logging
import os
import runpy
import shutil
import signal
import sys
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pytest
import tensorflow as tf
from command_line import TRAIN
from shared_files import SHARED

from kdmri_tf import DCCNN, Undersampling, gaussian_mask, load_data, phantom_volume
from kdmri_tf.data.augmentation import Variation
from kdmri_tf.export.check_samples import synthetic_samples


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
def tiny_source(manual_dir, data_dir):
    """Where the tiny data set comes from, as arguments of the functions that load it."""
    return {
        "source": "folder",
        "manual_dir": manual_dir,
        "data_dir": data_dir,
        "image_size": (36, 34),
    }


@pytest.fixture(scope="session")
def load_tiny(tiny_source):
    """Loads the tiny data set, undersampled twofold, but for what is asked for otherwise."""
    usual = {"acceleration": 2, **tiny_source}
    return lambda **arguments: load_data("cardiac", **(usual | arguments))


@pytest.fixture(scope="session")
def data(load_tiny):
    """The tiny data set as it is."""
    return load_tiny()


@pytest.fixture(scope="session")
def mirrored(load_tiny, manual_dir, tmp_path_factory):
    """The tiny data set with one of its training volumes mirrored."""
    root = tmp_path_factory.mktemp("mirrored")
    shutil.copytree(manual_dir, root / "raw")
    path = root / "raw" / "cardiac" / "folder" / "train" / "heart1.npy"
    np.save(path, np.load(path)[:, ::-1])
    return load_tiny(manual_dir=root / "raw", data_dir=root / "prepared")


@pytest.fixture(scope="session")
def tiny_flags(manual_dir, data_dir):
    """The tiny data set as flags of a script."""
    return [
        *("--dataset", "cardiac", "--source", "folder", "--acc", 2),
        *("--manual-dir", manual_dir, "--data-dir", data_dir, "--image-size", 36, 34),
    ]


@pytest.fixture(scope="session")
def model():
    """A small network with weights that never change."""
    keras.utils.set_random_seed(0)
    return DCCNN(3, 2, filters=8)


@pytest.fixture(scope="session")
def samples():
    """What exports of it are checked on."""
    return synthetic_samples(Undersampling, (48, 45))


@pytest.fixture
def run_here(monkeypatch, capsys):
    """Runs a script as `command_line.run` does, in this process, which has TensorFlow already.

    Scripts that divide the cores need --whole-batches: it is too late for that here.
    """

    def run_script(script, *arguments, expect=0):
        path = TRAIN / f"{script}.py"
        monkeypatch.setenv("MALLOC_ARENA_MAX", "2")  # keeps the allocator as it is
        for name in ("KERAS_BACKEND", "KERAS_HOME", "MATPLOTLIBRC", "MPLBACKEND"):
            monkeypatch.setenv(name, "")  # puts back afterwards what the script sets
        monkeypatch.setattr(sys, "argv", list(map(str, (path, *arguments))))
        monkeypatch.syspath_prepend(path.parent)
        monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)
        monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
        for library in ("absl", "tensorflow", "tfds_builders"):
            logger = logging.getLogger(library)
            monkeypatch.setattr(logger, "level", logger.level)
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        status, handlers = 0, [signal.getsignal(number) for number in numbers]
        try:
            runpy.run_path(str(path), run_name="__main__")
        except SystemExit as end:
            status = end.code
        finally:
            for number, handler in zip(numbers, handlers, strict=True):
                signal.signal(number, handler)
        output, error = capsys.readouterr()
        assert status == expect, output + error
        return output, error

    return run_script


@pytest.fixture
def varied(data):
    """The tiny data set with flips and with masks that measure one of 36 lines each."""
    masks = np.eye(36, dtype=np.float32)[..., np.newaxis]
    return dataclasses.replace(data, variation=Variation(flip, masks))


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
    mask = gaussian_mask(images.shape[1:], acceleration, center_lines=6)
    kspace = np.fft.fft2(images, norm="ortho") * mask
    return {
        "kspace": np.stack([kspace.real, kspace.imag], axis=-1).astype(np.float32),
        "mask": np.broadcast_to(mask, images.shape).copy(),
    }


def flip(image, seed):
    """Augmentation: left and right are exchanged in half of the images."""
    return tf.image.stateless_random_flip_left_right(image, seed)
