"""Own k-space whose coils are not used is reported, as others are simulated in their place."""

import logging

import numpy as np
import pytest
from raw_data import centered_kspace, complex_images, write_folder

from kdmri_tf import SimulatedAcquisition, load_data

SIZE = (32, 32)  # enough lines to estimate sensitivities from

MESSAGE = (
    "own/folder: coils are simulated, though files hold k-space (such as {}). To train on their "
    "own coils, move them to own/folder_kspace/, and leave out the source or give folder_kspace "
    "(--source; in code source)."
)


def load(tmp_path, **options):
    usual = {"manual_dir": tmp_path, "data_dir": tmp_path / "out", "image_size": SIZE}
    return load_data("own", 2, **{**usual, "coils": 2, "center_lines": 10, **options})


def warnings_of(caplog):
    return [line.message for line in caplog.records if "coils are simulated" in line.message]


@pytest.fixture
def kspace(tmp_path):
    rng = np.random.default_rng(0)
    for split in ("train", "validation"):
        data = centered_kspace(complex_images(rng, (1, 3, *SIZE)))
        write_folder(tmp_path, "own", **{f"{split}_{split}1": data})


@pytest.mark.parametrize("source", ["auto", "folder"])
def test_reported_also_of_what_is_prepared(tmp_path, kspace, caplog, source):
    for _ in range(2):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            load(tmp_path, source=source)
        assert warnings_of(caplog) == [MESSAGE.format("train/train1.npy")]


def test_of_one_split_alone(tmp_path, kspace, caplog):
    write_folder(tmp_path, "own", train_train1=np.eye(*SIZE)[np.newaxis] + 0.1)
    load(tmp_path)
    assert warnings_of(caplog) == [MESSAGE.format("validation/validation1.npy")]


def test_silent_where_images_or_simulation_are_asked_for(tmp_path, kspace, caplog):
    load(tmp_path, coils=None, center_lines=None)
    load(tmp_path, acquisition=SimulatedAcquisition(2))
    assert warnings_of(caplog) == []


def test_silent_of_images_and_of_folder_kspace(tmp_path, kspace, caplog):
    (tmp_path / "own/folder").rename(tmp_path / "own/folder_kspace")
    load(tmp_path)
    images = np.ones((1, *SIZE))
    write_folder(tmp_path, "own", train_a=images, validation_b=2 * images)
    load(tmp_path, source="folder")
    assert warnings_of(caplog) == []
