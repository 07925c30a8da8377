"""`tfds.testing.mock_data` gives random slices where nothing is prepared, for tests of others."""

import numpy as np
import pytest
import tensorflow_datasets as tfds

import tfds_builders.knee  # noqa: F401  # registers the builder


@pytest.mark.parametrize("config", ["synthetic", "folder", "folder_kspace_coils2"])
@pytest.mark.parametrize(
    "call", [lambda b: b.as_dataset("train"), lambda b: b.as_dataset(split="train")]
)
def test_mocked(config, call):
    with tfds.testing.mock_data(num_examples=3, max_value=1):
        examples = list(call(tfds.builder(f"knee/{config}")).as_numpy_iterator())
    assert len(examples) == 3
    assert isinstance(examples[0]["volume"], bytes)
    array = examples[0].get("image", examples[0].get("kspace"))
    assert array.dtype == np.float32


def test_loaded_by_name():
    with tfds.testing.mock_data(num_examples=2):
        dataset = tfds.load("knee/synthetic", split="train")
        shapes = [example["image"].shape for example in dataset.as_numpy_iterator()]
    assert shapes == [(320, 320, 1)] * 2
