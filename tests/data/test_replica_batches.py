"""Every slice of a batch goes to one replica; one without a slice gets another of no weight."""

import numpy as np
import pytest
import tensorflow as tf

from kdmri_tf import InputError, share_batches
from kdmri_tf.data.mri_data import MRIData
from kdmri_tf.data.replica_batches import _part


class StandIn:
    """Hands out the parts of a strategy with two workers of two replicas, in their order."""

    num_replicas_in_sync = 4

    @staticmethod
    def distribute_datasets_from_function(of_worker):
        contexts = [tf.distribute.InputContext(2, worker, 4) for worker in range(2)]
        return [of_worker(context) for context in contexts]


@pytest.mark.parametrize("size", [4, 5, 7, 8, 3, 1])
def test_each_slice_once(size):
    values = np.arange(1.0, size + 1, dtype=np.float32)[:, np.newaxis]
    batch = tf.data.Dataset.from_tensors(({"kspace": values, "more": (values,)}, -values)).repeat()
    seen, sizes = [], []
    for worker in share_batches(batch, StandIn, batch_size=8):
        assert worker.cardinality() == tf.data.INFINITE_CARDINALITY
        for inputs, image, weight in worker.take(2).as_numpy_iterator():
            np.testing.assert_array_equal(inputs["kspace"], -image)
            np.testing.assert_array_equal(inputs["more"][0], -image)
            assert len(image) == len(weight) >= 1
            seen += [-float(value) for value in image[weight > 0, 0]]
            sizes.append(int(weight.sum()))
    assert seen == values[:, 0].tolist()
    assert max(sizes) - min(sizes) <= 1


def test_the_filler_is_a_slice_of_the_batch():
    values = tf.constant([[7.0]])
    batch = ({"kspace": values}, values)
    (inputs, image), weight = _part(batch, tf.constant(3, tf.int64), 4)
    assert image.numpy().tolist() == inputs["kspace"].numpy().tolist() == [[7.0]]
    assert weight.numpy().tolist() == [0.0]


def test_a_batch_that_is_too_small():
    batches = tf.data.Dataset.from_tensors((tf.zeros((2, 1)), tf.zeros((2, 1))))
    with pytest.raises(InputError, match="A batch of 2 slices cannot be shared by 4 replicas"):
        share_batches(batches, StandIn, batch_size=2)


@pytest.mark.parametrize("seed", [None, 5])
def test_a_worker_undersamples_its_own_part_alone(data, monkeypatch, seed):
    sizes, pair = [], MRIData._pair

    def counted(self, batch, teacher_outputs=None):
        size = tf.shape(tf.nest.flatten(batch)[0])[0]
        kept = tf.numpy_function(lambda size: sizes.append(int(size)) or size, [size], tf.int32)
        with tf.control_dependencies([kept]):
            return pair(self, tf.nest.map_structure(tf.identity, batch), teacher_outputs)

    first_epoch = None if seed is None else 0
    whole = list(data.batches("train", 4, seed, first_epoch).take(1))
    monkeypatch.setattr(MRIData, "_pair", counted)
    workers = data.batches("train", 4, seed, first_epoch, strategy=StandIn)
    parts = [part for worker in workers for part in worker.take(2).as_numpy_iterator()]
    assert set(sizes) == {1}
    (inputs, image), *_ = whole
    for name, value in inputs.items():
        np.testing.assert_array_equal(np.concatenate([part[0][name] for part in parts]), value)
    np.testing.assert_array_equal(np.concatenate([part[1] for part in parts]), image)
