"""What is found beside a volume: whose scan it is, and files that nothing reads."""

import logging

import h5py
import numpy as np
import pytest
from raw_data import SIZE, centered_kspace, complex_images, write_hdf5
from raw_formats import write_bart

from tfds_builders.prepare import prepare


def test_fastmri_names_its_patients(tmp_path, rng, caplog):
    """Scans of one patient count as one; a file that names none, or no string, is its own."""
    folder = tmp_path / "knee/fastmri"
    patients = {
        "train/a": "P1",
        "train/b": np.bytes_(b"P1"),
        "train/c": " ",
        "train/d": 7,
        "val/e": "P1",
        "val/f": "P2",
        "val/g": None,
    }
    for name, patient in patients.items():
        path = folder / f"singlecoil_{name}.h5"
        write_hdf5(path, kspace=centered_kspace(complex_images(rng, (1, 16, 12))))
        if patient is not None:
            with h5py.File(path, "a") as file:
                file.attrs["patient_id"] = patient
    (folder / "singlecoil_val/h.h5").write_bytes(b"no HDF5")
    with caplog.at_level(logging.WARNING):
        builder = prepare("knee", "fastmri", tmp_path, tmp_path / "out", SIZE, skip_unreadable=True)
    splits = builder.info.metadata["splits"]
    assert splits["train"]["patients"] == {"a": "P1", "b": "P1", "c": "c", "d": "d"}
    assert splits["validation"]["patients"] == {"e": "P1", "f": "P2", "g": "g"}
    assert "in training and in validation, as their files say: 1 (such as P1)" in caplog.text


@pytest.mark.parametrize("source", ["folder", "folder_kspace"])
def test_what_no_reader_takes_is_reported(tmp_path, rng, caplog, source):
    folder = tmp_path / f"knee/{source}"
    for name in ("train/a.h5", "train/b.hdf5", "train/d.MRD", "validation/e.h5"):
        write_hdf5(folder / name, kspace=centered_kspace(complex_images(rng, (1, 16, 12))))
    write_bart(folder / "train/c.cfl", (16, 12), centered_kspace(complex_images(rng, (16, 12))))
    (folder / "train/.hidden").touch()
    with caplog.at_level(logging.WARNING):
        builder = prepare("knee", source, tmp_path, tmp_path / "out", SIZE)
    assert "left out" not in caplog.text
    assert list(builder.info.metadata["splits"]["train"]["patients"]) == ["a", "b", "c", "d"]
    (folder / "train/IM0001").touch()
    (folder / "validation/notes").mkdir()
    with caplog.at_level(logging.WARNING):
        prepare("knee", source, tmp_path, tmp_path / "out", SIZE, rebuild=True)
    message = f"knee/{source}: left out, as nothing reads such files: 2 (such as train/IM0001)."
    assert message in caplog.text
