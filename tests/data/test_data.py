"""Batches are undersampled as NumPy would, in an order that a resumed run can take up again."""

import dataclasses
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf

from kdmri_tf import InputError, SlicePSNR, load_data
from kdmri_tf.data import passes, slices_in_memory
from kdmri_tf.data.provenance import data_facts
from kdmri_tf.physics.masks import phase_encode_axis


def targets(dataset, batches=None):
    return [image.numpy() for _, image in (dataset if batches is None else dataset.take(batches))]


def test_describes_itself(data):
    assert data.dataset == "cardiac"
    assert data.source == "folder"
    assert data.image_size == (36, 34)
    assert data.num_slices == {"train": 6, "validation": 4}
    assert data.acceleration == 2.0
    assert data.mask_origin == "gaussian, seed 0"
    assert data.acceleration_label == "2x"
    assert data.num_batches("train", 4) == 2
    assert len(data.fingerprint) == 64


def test_fingerprint_tells_contents_apart(data, mirrored, load_tiny, manual_dir, tmp_path):
    shutil.copytree(manual_dir, tmp_path / "raw")
    copy = load_tiny(manual_dir=tmp_path / "raw", data_dir=tmp_path / "prepared")
    assert copy.fingerprint == data.fingerprint
    assert mirrored.fingerprint != data.fingerprint


def test_batches_equal_numpy(data):
    inputs, image = next(iter(data.batches("train", batch_size=4)))
    kspace = np.fft.fft2(image[..., 0], norm="ortho") * data.mask
    np.testing.assert_allclose(inputs["kspace"][..., 0], kspace.real, atol=1e-5)
    np.testing.assert_allclose(inputs["kspace"][..., 1], kspace.imag, atol=1e-5)
    np.testing.assert_array_equal(inputs["mask"], np.broadcast_to(data.mask, (4, 36, 34)))
    assert {inputs["kspace"].dtype, inputs["mask"].dtype, image.dtype} == {tf.float32}
    np.testing.assert_array_equal(image.numpy().max(axis=(1, 2, 3)), 1)


def test_volumes_are_the_slices_in_order(data):
    volumes = dict(data.volumes("validation"))
    assert data.patients("validation").keys() == volumes.keys()
    assert list(volumes) == ["heart11", "heart12"]
    stacked = np.concatenate(list(volumes.values()))
    in_order = np.concatenate(targets(data.batches("validation", 3)))[..., 0]
    np.testing.assert_array_equal(stacked, in_order)


def test_every_pass_is_shuffled_anew_and_complete(data):
    batches = data.batches("train", batch_size=4, seed=1)
    first, second = (np.concatenate(targets(batches)) for _ in range(2))
    assert (first != second).any()
    ordered = np.concatenate(targets(data.batches("train", 4)))
    for one_pass in (first, second):
        assert np.sort(one_pass.sum(axis=(1, 2, 3))) == pytest.approx(
            np.sort(ordered.sum(axis=(1, 2, 3)))
        )


@pytest.mark.parametrize("seed", [0, 7])
def test_a_resumed_stream_sees_what_it_would_have_seen(data, seed):
    steps = data.num_batches("train", 4)
    whole = targets(data.batches("train", 4, seed, first_epoch=0), batches=5 * steps)
    tf.random.set_seed(99)
    resumed = targets(data.batches("train", 4, seed, first_epoch=3), batches=2 * steps)
    for expected, batch in zip(whole[3 * steps :], resumed, strict=True):
        np.testing.assert_array_equal(batch, expected)
    epochs = [np.concatenate(whole[i * steps : (i + 1) * steps]) for i in range(5)]
    assert len({epoch.tobytes() for epoch in epochs}) == 5, "two epochs have the same order"
    for epoch in epochs:
        assert len({image.tobytes() for image in epoch}) == 6, "an epoch misses a slice"


def test_seeds_give_different_orders(data):
    """In no epoch the same, as they would have if seed and epoch were but added up."""

    def orders(seed):
        epochs = data.batches("train", 6, seed, first_epoch=0).take(4)
        return {image.numpy().tobytes() for _, image in epochs}

    assert len(orders(1) | orders(2)) == 8


def test_passes_at_once_after_one_that_was_cut_short(data):
    """Each fills the memory by itself, and only a full pass stays there."""
    fresh = dataclasses.replace(data)
    seeds, passes_of = (1, 2), {}
    cut_short = iter(fresh.batches("train", 2, seed=0, first_epoch=0))
    next(cut_short)
    at_once = [iter(fresh.batches("train", 2, seed, first_epoch=0)) for seed in seeds]
    for step in range(9):  # of three epochs
        if step == 1:
            del cut_short
        for seed, batches in zip(seeds, at_once, strict=True):
            passes_of.setdefault(seed, []).append(next(batches)[1].numpy())
    for seed in seeds:
        expected = targets(data.batches("train", 2, seed, first_epoch=0), batches=9)
        np.testing.assert_array_equal(passes_of[seed], expected)


@pytest.mark.parametrize("num_slices", [0, 3, 6, 17])
def test_what_is_kept_in_memory_changes_no_bit(data, monkeypatch, num_slices):
    """Nothing, images alone (from 6 slices on), or k-space too, which takes twice as much more."""

    def seen(chosen):
        return [
            (inputs["kspace"].numpy(), inputs["mask"].numpy(), image.numpy())
            for inputs, image in chosen.batches("train", 4, seed=1, first_epoch=0).take(4)
        ]

    expected = seen(data)
    monkeypatch.setattr(slices_in_memory, "MEMORY_BUDGET_BYTES", num_slices * 36 * 34 * 4)
    for batch, expected_batch in zip(seen(dataclasses.replace(data)), expected, strict=True):
        for value, expected_value in zip(batch, expected_batch, strict=True):
            np.testing.assert_array_equal(value, expected_value)


def test_a_short_shuffle_buffer_loses_no_slice(data, monkeypatch):
    monkeypatch.setattr(passes, "SHUFFLE_BUFFER_BYTES", 3 * 36 * 34 * 4)
    shuffled = np.concatenate(targets(data.batches("train", 4, 1, first_epoch=0), batches=2))
    assert len({image.tobytes() for image in shuffled}) == 6


@pytest.mark.filterwarnings("ignore:Without a seed the training slices come as they are")
@pytest.mark.parametrize("seed", [None, 0])
@pytest.mark.parametrize("first_epoch", [None, 0])
@pytest.mark.parametrize(("batch_size", "dimension"), [(3, 3), (4, None)])
def test_shapes_are_static_where_they_can_be(
    data, varied, seed, first_epoch, batch_size, dimension
):
    for chosen in (data, varied):
        inputs, image = chosen.batches("train", batch_size, seed, first_epoch).element_spec
        assert inputs["kspace"].shape == (dimension, 36, 34, 2)
        assert inputs["mask"].shape == (dimension, 36, 34)
        assert image.shape == (dimension, 36, 34, 1)


@pytest.mark.parametrize("batch_size", [3, 4])
def test_a_step_is_traced_once(data, batch_size):
    traces = []

    class Counting(keras.Model):
        def train_step(self, batch):
            traces.append(batch)
            return {"loss": tf.reduce_mean(batch[1])}

    model = Counting()
    model.compile()
    batches = data.batches("train", batch_size, seed=1, first_epoch=0)
    model.fit(batches, steps_per_epoch=2, epochs=3, verbose=0)
    assert len(traces) == 1


def test_the_last_batch_may_be_smaller(data):
    assert [len(batch) for batch in targets(data.batches("train", 4))] == [4, 2]
    assert [len(batch) for batch in targets(data.batches("train", 3))] == [3, 3]


def test_mask_file(load_tiny, tmp_path):
    path = tmp_path / "own.npy"
    mask = np.zeros((36, 34))
    mask[::3] = 1
    np.save(path, mask)
    loaded = load_tiny(acceleration=3, mask=path)
    assert (loaded.mask == mask).all()
    assert loaded.mask_origin == "own.npy"
    assert "center_lines" not in data_facts(loaded)
    with pytest.raises(InputError, match=r"accelerates by 3.00, but the .* asked for is 8; .* 3"):
        load_tiny(acceleration=8, mask=path)
    np.save(path, mask[1:])
    with pytest.raises(InputError, match=r"\(35, 34\), but the images have shape \(36, 34\)"):
        load_tiny(acceleration=3, mask=path)


def test_sampling_of_a_mask_along_the_other_axis(load_tiny, data):
    loaded = load_tiny(phase_encode_axis=1, center_lines=3, random_masks=True)
    assert (phase_encode_axis(data.mask), phase_encode_axis(loaded.mask)) == (0, 1)
    lines = np.fft.fftshift(loaded.mask[0])
    assert lines.sum() == 17
    assert (lines[16:19] == 1).all()
    assert data_facts(loaded)["center_lines"] == 3
    assert (lines[12:22] == 0).any()  # where ten centre lines would be
    inputs, _ = next(iter(loaded.batches("train", 6, seed=1)))
    assert all(phase_encode_axis(mask) == 1 for mask in inputs["mask"].numpy())


def test_another_file_format_is_passed_on(load_tiny):
    with pytest.raises(InputError, match="Unknown file format 'csv'"):
        load_tiny(file_format="csv")


def test_mask_array(load_tiny):
    loaded = load_tiny(acceleration=1, mask=np.ones((36, 34), bool))
    assert loaded.mask.dtype == np.float32
    assert loaded.acceleration == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"acceleration": float("nan")}, "acceleration must be at least 1, not nan"),
        ({"acceleration": 0}, "acceleration must be at least 1, not 0"),
        ({"acceleration": "4"}, "acceleration must be at least 1, not '4'"),
        ({"mask_seed": -1}, "seed of the mask must be at least 0, not -1"),
        ({"mask": "none.npy"}, "no mask file none.npy"),
        (
            {"mask": np.ones((150, 150)), "center_lines": 3},
            r"you gave a mask \(array\): leave it out",
        ),
        (
            {"mask": np.ones((150, 150)), "phase_encode_axis": 0},
            r"axis is for a mask that is drawn .*, but the mask array has two axes: leave it",
        ),
    ],
)
def test_mistakes_are_found_before_data_is_prepared(tmp_path, arguments, message):
    with pytest.raises(InputError, match=message):
        load_data("cardiac", source="synthetic", data_dir=tmp_path / "prepared", **arguments)
    assert not (tmp_path / "prepared").exists()


def test_unknown_data_set():
    with pytest.raises(InputError, match="liver"):
        load_data("liver")


def test_data_feeds_a_metric_per_slice(data):
    """The batches suit `SlicePSNR`: per slice, whatever the batch size."""
    values = []
    for batch_size in (1, 4):
        metric = SlicePSNR()
        for inputs, image in data.batches("validation", batch_size):
            metric.update_state(image, image * 0.9 + inputs["mask"][..., tf.newaxis] * 0.01)
        values.append(float(metric.result()))
    assert values[0] == pytest.approx(values[1], rel=1e-5)


def test_batches_of_no_slice(data):
    with pytest.raises(InputError, match="batch_size must be at least 1; got 0"):
        data.batches("train", 0)
    with pytest.raises(InputError, match="batch_size must be at least 1; got 0"):
        data.num_batches("train", 0)


def test_unknown_split(data):
    with pytest.raises(InputError, match="no split 'val'; choose one of train, validation"):
        data.batches("val")
    with pytest.raises(InputError, match="no split 'test'; choose one of train, validation"):
        next(data.volumes("test"))
    with pytest.raises(InputError, match="no split 'test'; choose one of train, validation"):
        data.num_batches("test", 1)


@pytest.mark.parametrize("order", [{}, {"seed": 1}, {"seed": 1, "first_epoch": 0}])
def test_a_smaller_last_batch_can_be_dropped(data, order):
    """Of 6 slices; replicas of a strategy cannot share it."""
    kept, dropped = (data.num_batches("train", 4, drop) for drop in (False, True))
    assert (kept, dropped) == (2, 1)
    for drop, sizes in ((False, [4, 2]), (True, [4])):
        batches = data.batches("train", 4, **order, drop_remainder=drop)
        found = [len(image) for _, image in batches.take(len(sizes))]
        assert found == sizes
        if "first_epoch" not in order:
            assert len(batches) == len(sizes)
    assert batches.element_spec[1].shape[0] == 4
    with pytest.raises(InputError, match="has 6 slices, fewer than one batch of 7, and drop_remai"):
        data.batches("train", 7, drop_remainder=True)


def test_is_shown_in_one_line(data):
    assert repr(data) == "<MRIData cardiac from folder, 36x34, 6 train, 4 validation slices, 2x>"
