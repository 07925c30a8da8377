"""Data sets as tfrecord, for tf.data, and as array_record, for access to any slice at once."""

import importlib.util

import numpy as np
import pytest
import tensorflow_datasets as tfds
from needed_packages import needed
from raw_data import SIZE, assert_same, expected_slices, read_back, write_folder

from kdmri_tf import load_data
from kdmri_tf.errors import InputError
from tfds_builders.prepare import prepare

tfds.disable_progress_bar()


@pytest.fixture
def knees():
    rng = np.random.default_rng(0)
    return {name: rng.random((n, 16, 12)) + 0.1 for name, n in (("train_a", 30), ("train_b", 3))}


@pytest.fixture
def arguments(tmp_path, knees):
    write_folder(tmp_path / "raw", **knees, validation_c=np.ones((2, 16, 12)))
    return {
        "dataset": "knee",
        "source": "folder",
        "manual_dir": tmp_path / "raw",
        "data_dir": tmp_path / "prepared",
        "image_size": SIZE,
    }


class TestArrayRecord:
    @pytest.fixture(autouse=True)
    def prepared(self, arguments):
        needed("array_record")
        return prepare(**arguments, file_format="array_record")

    @pytest.fixture
    def expected(self, knees):
        return expected_slices("a", knees["train_a"]) + expected_slices("b", knees["train_b"])

    def test_it_is_read_as_tfrecord_is(self, arguments, prepared, expected, tmp_path):
        assert prepared.info.file_format.value == "array_record"
        assert_same(read_back(prepared, "train"), expected)
        again = prepare(**arguments)  # in the format that it is in
        assert_same(read_back(again, "train[5:9]"), expected[5:9])
        usual = prepare(**{**arguments, "data_dir": tmp_path / "tfrecord"})
        ours, theirs = (builder.as_dataset(split="train") for builder in (prepared, usual))
        assert ours.element_spec == theirs.element_spec
        assert ours.cardinality() == theirs.cardinality() == 33
        assert set(prepared.as_dataset()) == set(usual.as_dataset()) == {"train", "validation"}
        (batch, *_) = prepared.as_dataset(split="train", batch_size=4).as_numpy_iterator()
        assert batch["image"].shape == (4, *SIZE, 1)

    def test_it_is_a_data_source(self, prepared, expected):
        """As PyTorch takes it: any slice by its number."""
        source = prepared.as_data_source("train")
        assert len(source) == 33
        for index in (32, 0, 17):
            example = source[index]
            np.testing.assert_allclose(example["image"][..., 0], expected[index][2], rtol=1e-6)
            assert (example["volume"].decode(), example["slice"]) == expected[index][:2]

    def test_networks_are_trained_on_it(self, arguments, expected):
        data = load_data(acceleration=1.2, center_lines=4, **arguments)
        _, images = next(iter(data.batches("validation", batch_size=2)))
        assert images.shape == (2, *SIZE, 1)

    def test_a_rebuild_keeps_the_format(self, arguments):
        assert prepare(**arguments, rebuild=True).info.file_format.value == "array_record"
        builder = prepare(**arguments, rebuild=True, file_format="tfrecord")
        assert builder.info.file_format.value == "tfrecord"
        assert len(read_back(builder, "train")) == 33

    def test_another_format_is_refused(self, arguments):
        message = "is prepared as array_record, not as tfrecord: choose another data directory"
        with pytest.raises(InputError, match=message):
            prepare(**arguments, file_format="tfrecord")

    def test_without_the_package(self, arguments, prepared, monkeypatch):
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
        message = r'not installed: run pip install "kdmri_tf\[array_record\]"\.$'
        for use in (
            lambda: prepare(**arguments, file_format="array_record"),
            lambda: prepare(**arguments).as_dataset(split="train"),
        ):
            with pytest.raises(InputError, match=message):
                use()


def test_unknown_formats(arguments):
    with pytest.raises(InputError, match="Unknown file format 'csv': choose one of tfrecord, ar"):
        prepare(**arguments, file_format="csv")
