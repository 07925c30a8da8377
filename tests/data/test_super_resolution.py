"""The pipeline of super-resolution: batches of blurred images, in the order of undersampling."""

import dataclasses

import numpy as np
import pytest
from low_resolution import centre_by_numpy
from stand_in import randomized

from kdmri_tf import VDSR, AttentionTransfer, InputError, cache_teacher, load_super_resolution
from kdmri_tf.data import slices_in_memory
from kdmri_tf.data.augmentation import Variation
from kdmri_tf.physics.low_frequencies import center_window
from kdmri_tf.physics.low_resolution import lower_resolution


@pytest.fixture(scope="module")
def load_low(tiny_source):
    """Loads the tiny data set at half its resolution, but for what is asked for otherwise."""
    usual = {"scale": 2, **tiny_source}
    return lambda **arguments: load_super_resolution("cardiac", **(usual | arguments))


@pytest.fixture(scope="module")
def low(load_low):
    return load_low()


def test_describes_itself(low):
    assert (low.dataset, low.source) == ("cardiac", "folder")
    assert low.image_size == (36, 34)
    assert low.acceleration_label == "2x super-resolution"
    assert low.acceleration == 4
    np.testing.assert_array_equal(low.mask, center_window((36, 34), (18, 17)))
    assert low.mask_origin == "centre of k-space"


@pytest.mark.parametrize("seed", [None, 3])
def test_batches_equal_numpy(low, seed):
    inputs, image = next(iter(low.batches("train", 3, seed, first_epoch=0)))
    assert list(inputs) == ["low_resolution"]
    assert inputs["low_resolution"].shape == image.shape == (3, 36, 34, 1)
    for blurred, target in zip(inputs["low_resolution"], image, strict=True):
        expected = centre_by_numpy(target.numpy()[..., 0], (18, 17))
        np.testing.assert_allclose(blurred[..., 0], expected, atol=1e-6)
    np.testing.assert_array_equal(image.numpy().max(axis=(1, 2, 3)), 1)


def test_slices_come_in_the_order_of_undersampling(low, data):
    """The same seed shows both tasks the same images, and resumes alike."""
    low_images, images, resumed = (
        [image.numpy() for _, image in chosen.batches("train", 3, 5, epoch).take(4)]
        for chosen, epoch in ((low, 2), (data, 2), (low, 3))
    )
    np.testing.assert_array_equal(low_images, images)
    np.testing.assert_array_equal(resumed[:2], low_images[2:])
    assert low.fingerprint == data.fingerprint


@pytest.mark.parametrize("images_in_memory", [0, 6, 11, 12])
def test_what_is_kept_in_memory_changes_no_bit(low, monkeypatch, images_in_memory):
    """Nothing, six images alone, or their low resolution too, which takes as much again."""

    def seen(chosen):
        return [
            (inputs["low_resolution"].numpy(), image.numpy())
            for inputs, image in chosen.batches("train", 3, seed=1, first_epoch=0).take(4)
        ]

    expected = seen(low)
    monkeypatch.setattr(slices_in_memory, "MEMORY_BUDGET_BYTES", images_in_memory * 36 * 34 * 4)
    chosen = dataclasses.replace(low)
    kept = chosen._slices["train"].element_spec
    assert ("low_resolution" in kept) == (images_in_memory == 12)
    np.testing.assert_array_equal(seen(chosen), expected)


def test_augmentation_comes_before_the_blur(load_low):
    def upside_down(image, seed):
        return image[::-1]

    turned = load_low(augment=upside_down)
    assert isinstance(turned.variation, Variation)
    plain = load_low().batches("train", 3, seed=1, first_epoch=0)
    batches = turned.batches("train", 3, seed=1, first_epoch=0)
    for (inputs, image), (_, plain_image) in zip(batches.take(2), plain.take(2), strict=True):
        np.testing.assert_array_equal(image, plain_image[:, ::-1])
        expected = lower_resolution(image, (18, 17))
        np.testing.assert_allclose(inputs["low_resolution"], expected, atol=1e-6)


def test_a_teacher_can_be_cached(low):
    teacher = randomized(VDSR(3, filters=4))
    cached = cache_teacher(teacher, low, AttentionTransfer(), batch_size=4)
    inputs, _ = next(iter(low.batches("train", 6, teacher_outputs=cached["train"])))
    kept = inputs.pop("teacher_outputs")
    np.testing.assert_allclose(kept["image"], teacher(inputs), atol=1e-5)


def test_mistakes_are_found_before_data_is_prepared(tmp_path):
    where = {"source": "synthetic", "data_dir": tmp_path / "prepared"}
    with pytest.raises(InputError, match=r"at least 1; got 0\.5"):
        load_super_resolution("calgary", 0.5, **where)
    with pytest.raises(InputError, match="augment must be a function"):
        load_super_resolution("calgary", 4, augment="flip", **where)
    assert not (tmp_path / "prepared").exists()


def test_a_scale_that_leaves_nothing_is_refused(load_low):
    with pytest.raises(InputError, match="Scale 99 leaves nothing of images of 36x34 pixels"):
        load_low(scale=99)
