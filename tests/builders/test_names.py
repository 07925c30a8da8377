"""Names of folders and files: patterns to TensorFlow, or no UTF-8, but names all the same."""

import os

import numpy as np
import pytest
import tensorflow_datasets as tfds
from raw_data import SIZE, assert_same, expected_slices, read_back, write_folder

from kdmri_tf.errors import InputError
from tfds_builders.prepare import prepare
from tfds_builders.slice_builder import SliceBuilder

tfds.disable_progress_bar()


@pytest.fixture
def knees(tmp_path):
    rng = np.random.default_rng(0)
    volumes = {name: rng.random((2, 16, 12)) + 0.1 for name in ("train_a", "validation_b")}
    write_folder(tmp_path / "raw", **volumes)
    return volumes


@pytest.mark.parametrize("name", ["a [1]", "a*", "a?", "[a-", "a[!x]", r"b\c", "{a,b}", "$a", "~a"])
@pytest.mark.parametrize("raw_files", [True, False])
def test_folders_that_are_patterns(tmp_path, knees, monkeypatch, name, raw_files):
    """Beside folders that the patterns match, which are prepared as well."""
    expected = expected_slices("a", knees["train_a"])
    for beside in ("a 1", "ab", "a1", "bc"):
        (tmp_path / beside / "knee/folder_16x12/1.0.3").mkdir(parents=True)
        for file in ("dataset_info.json", "features.json"):
            (tmp_path / beside / "knee/folder_16x12/1.0.3" / file).touch()
    arguments = "knee", "folder", tmp_path / "raw", tmp_path / name, SIZE
    assert_same(read_back(prepare(*arguments), "train"), expected)
    monkeypatch.setattr(SliceBuilder, "_generate_examples", None)
    if not raw_files:
        arguments = "knee", "folder", None, tmp_path / name, SIZE
    assert_same(read_back(prepare(*arguments), "train"), expected)


@pytest.mark.parametrize("name", ["a [1]", "a*", r"b\c"])
def test_raw_files_in_such_folders(tmp_path, name):
    volumes = {"train_a": np.eye(16, 12)[np.newaxis] + 0.1, "validation_b": np.ones((16, 12))}
    write_folder(tmp_path / name, **volumes)
    builder = prepare("knee", "auto", tmp_path / name, tmp_path / "prepared", SIZE)
    assert_same(read_back(builder, "train"), expected_slices("a", volumes["train_a"]))


class TestNotUTF8:
    @pytest.fixture
    def raw(self, tmp_path):
        place = os.fsencode(tmp_path / "raw/knee/folder")
        for split in (b"train", b"validation"):
            os.makedirs(os.path.join(place, split))
        np.save(os.fsdecode(os.path.join(place, b"train/h\xe4nsel.npy")), np.ones((2, 16, 12)))
        np.save(os.fsdecode(os.path.join(place, "train/hänsel.npy".encode())), np.ones((16, 12)))
        np.save(os.fsdecode(os.path.join(place, b"validation/gr\xe9tel.npy")), np.eye(16, 12))
        return tmp_path / "raw"

    def test_files(self, tmp_path, raw):
        for _ in range(2):  # the second time from what was prepared
            builder = prepare("knee", "folder", raw, tmp_path / "prepared", SIZE)
            found = [(name, index) for name, index, _ in read_back(builder, "train")]
            assert sorted(found) == [(r"h\xe4nsel", 0), (r"h\xe4nsel", 1), ("hänsel", 0)]
            patients = builder.info.metadata["splits"]["validation"]["patients"]
            assert patients == {r"gr\xe9tel": r"gr\xe9tel"}

    def test_what_changes_is_noticed(self, tmp_path, raw):
        prepare("knee", "folder", raw, tmp_path / "prepared", SIZE)
        path = os.fsdecode(os.path.join(os.fsencode(raw), b"knee/folder/validation/gr\xe9tel.npy"))
        np.save(path, np.ones((16, 12)))
        with pytest.raises(InputError, match=r"have changed since .* 1 modified"):
            prepare("knee", "folder", raw, tmp_path / "prepared", SIZE)

    def test_skipped_files_are_reported(self, tmp_path, raw, caplog):
        path = os.path.join(os.fsencode(raw), b"knee/folder/train/h\xe4nsel.npy")
        os.truncate(path, 100)
        for _ in range(2):
            builder = prepare(
                "knee", "folder", raw, tmp_path / "prepared", SIZE, skip_unreadable=True
            )
            (skipped,) = builder.info.metadata["skipped_files"]
            assert r"h\xe4nsel.npy cannot be read" in skipped
            skipped.encode()

    def test_folders(self, tmp_path, raw):
        strange = os.path.join(os.fsencode(tmp_path), b"h\xe4nsel")
        os.rename(os.fsencode(raw), strange)
        for _ in range(2):
            builder = prepare("knee", "folder", os.fsdecode(strange), tmp_path / "prepared", SIZE)
            assert len(read_back(builder, "train")) == 3
        with pytest.raises(InputError, match=r"data directory .*h\\xe4nsel is not UTF-8, as Ten"):
            prepare("knee", "folder", os.fsdecode(strange), os.fsdecode(strange), SIZE)
