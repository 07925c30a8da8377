"""Whose scans the volumes are, where files say so."""

import logging

import h5py
import numpy as np
from raw_data import SIZE, centered_kspace, complex_images, write_hdf5

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
