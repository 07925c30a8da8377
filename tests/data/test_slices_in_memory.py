"""What fits in memory is read from disk once; what does not, in every pass."""

import dataclasses

import pytest
import tensorflow as tf

from kdmri_tf.data import slices_in_memory
from kdmri_tf.data.mri_data import MRIData

SLICE_BYTES = 36 * 34 * 4  # of an image; its k-space takes twice as much more


@pytest.fixture
def reads(monkeypatch):
    """One entry for every slice that is read from disk."""
    found, read = [], MRIData._read

    def note(image):
        found.append(image.shape)
        return image

    def counted(self, split):
        def counting(example):
            image = example["image"]
            noted = tf.numpy_function(note, [image], image.dtype)
            return {**example, "image": tf.ensure_shape(noted, image.shape)}

        return read(self, split).map(counting)

    monkeypatch.setattr(MRIData, "_read", counted)
    return found


@pytest.mark.parametrize(
    ("slices", "is_kept"), [(0, False), (5.9, False), (6, True), (17.9, True), (18, True)]
)
def test_six_slices_are_read_once_where_they_fit(data, monkeypatch, reads, slices, is_kept):
    """From 6 images on they are kept, from 18 with their k-space."""
    monkeypatch.setattr(slices_in_memory, "MEMORY_BUDGET_BYTES", slices * SLICE_BYTES)
    batches = dataclasses.replace(data).batches("train", batch_size=3)
    for _ in range(2):
        assert len(list(batches)) == 2
    assert len(reads) == (6 if is_kept else 12)
