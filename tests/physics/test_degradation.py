"""Low resolution against NumPy, interpolation against known functions, and the pipeline of both."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from stand_in import randomized

from kdmri_tf import (
    VDSR,
    AttentionTransfer,
    InputError,
    LowResolution,
    Undersampling,
    cache_teacher,
    gaussian_mask,
    load_super_resolution,
)
from kdmri_tf.data import mri_data as data_module
from kdmri_tf.data.augmentation import Variation
from kdmri_tf.physics.low_frequencies import center_window
from kdmri_tf.physics.low_resolution import bicubic, lower_resolution
from kdmri_tf.physics.undersampling import undersample

SIZES = [(16, 12), (15, 13), (16, 9), (7, 20)]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def load_low(tiny_source):
    """Loads the tiny data set at half its resolution, but for what is asked for otherwise."""
    usual = {"scale": 2, **tiny_source}
    return lambda **arguments: load_super_resolution("cardiac", **(usual | arguments))


@pytest.fixture(scope="module")
def low(load_low):
    return load_low()


def centre_by_numpy(image, size):
    """|inverse FFT| of the centre of the centred k-space of an image (H, W), written apart."""
    kspace = np.fft.fftshift(np.fft.fft2(image.astype(np.float64), norm="ortho"))
    kept = np.zeros_like(kspace)
    top, left = (full // 2 - part // 2 for full, part in zip(image.shape, size, strict=True))
    window = np.s_[top : top + size[0], left : left + size[1]]
    kept[window] = kspace[window]
    return np.abs(np.fft.ifft2(np.fft.ifftshift(kept), norm="ortho"))


class TestLowerResolution:
    @pytest.mark.parametrize("image_size", SIZES)
    @pytest.mark.parametrize("scale", [1, 1.5, 2, 4, 6])
    def test_equals_numpy(self, rng, image_size, scale):
        images = rng.random((2, *image_size, 1)).astype(np.float32)
        size = tuple(round(side / scale) for side in image_size)
        assert LowResolution(scale).kept_size(image_size) == size
        result = LowResolution(scale).apply(images)["low_resolution"]
        assert result.dtype == tf.float32
        assert result.shape == images.shape
        for image, blurred in zip(images[..., 0], result.numpy()[..., 0], strict=True):
            np.testing.assert_allclose(blurred, centre_by_numpy(image, size), atol=1e-6)

    def test_the_papers_window(self):
        window = np.fft.fftshift(LowResolution(4).sampled((256, 256)))
        assert window.dtype == np.float32
        assert window.sum() == window[96:160, 96:160].sum() == 64**2
        assert LowResolution(4).acceleration((256, 256)) == 16

    @pytest.mark.parametrize("image_size", SIZES)
    def test_a_constant_image_stays(self, image_size):
        constant = np.full((1, *image_size, 1), 0.7, np.float32)
        for size in [(1, 1), (2, 3), (4, 4), image_size]:
            np.testing.assert_allclose(lower_resolution(constant, size), 0.7, rtol=1e-6)
            np.testing.assert_allclose(bicubic(constant, size), 0.7, rtol=1e-6)

    @pytest.mark.parametrize("image_size", SIZES)
    def test_scale_1_gives_the_image_back(self, rng, image_size):
        images = rng.random((2, *image_size, 1)).astype(np.float32)
        for restored in (
            LowResolution(1).apply(images)["low_resolution"],
            *(baseline(images) for baseline in LowResolution(1).baselines.values()),
        ):
            np.testing.assert_allclose(restored, images, atol=1e-5)

    def test_a_larger_window_loses_less(self, images):
        errors = [
            float(np.abs(LowResolution(scale).apply(images)["low_resolution"] - images).mean())
            for scale in (1.5, 2, 3, 4, 6)
        ]
        assert errors == sorted(errors)
        assert errors[0] > 0.001

    @pytest.mark.parametrize("scale", [0.5, 0, -2, float("nan"), float("inf")])
    def test_refuses_other_scales(self, scale):
        with pytest.raises(InputError, match=f"scale must be a finite .* at least 1; got {scale}"):
            LowResolution(scale)

    def test_refuses_to_leave_nothing(self):
        with pytest.raises(InputError, match="Scale 40 leaves nothing of images of 64x18 pixels"):
            LowResolution(40).sampled((64, 18))


class TestBicubic:
    def test_small_image_is_every_fourth_pixel_of_zero_filled(self, images):
        """Where the scale is a whole number, the two agree in the pixels of the small image."""
        square = images[:, :44]
        zero_filled = lower_resolution(square, (11, 9))
        np.testing.assert_allclose(
            bicubic(square, (11, 9))[:, ::4, ::4], zero_filled[:, ::4, ::4], atol=1e-5
        )

    @pytest.mark.parametrize("size", [(24, 20), (21, 17)])
    def test_smooth_images_come_back_in_place(self, size):
        """A wave that many pixels of the small image sample is neither moved nor scaled."""
        rows, columns = np.mgrid[:63, :50]
        wave = 2 + np.cos(2 * np.pi * rows / 63 + 0.3) + np.sin(2 * np.pi * columns / 50)
        image = wave[np.newaxis, ..., np.newaxis].astype(np.float32)
        np.testing.assert_allclose(bicubic(image, size), image, atol=2e-3)

    def test_float32_image_for_every_slice(self, images):
        enlarged = bicubic(tf.constant(images), (9, 9))
        assert enlarged.dtype == np.float32
        assert enlarged.shape == images.shape


class TestUndersampling:
    def test_equals_numpy(self, images, inputs):
        mask = inputs["mask"][0]
        result = Undersampling(mask).apply(images)
        assert result.keys() == inputs.keys()
        for name, value in inputs.items():
            np.testing.assert_allclose(result[name], value, atol=1e-5)
        np.testing.assert_allclose(undersample(images, mask), inputs["kspace"], atol=1e-5)

    def test_label_and_acceleration(self):
        mask = gaussian_mask((150, 100), 4)
        assert Undersampling(mask, "given", 4.0).label == "4x"
        assert Undersampling(mask).label == "4.05x"
        assert Undersampling(mask).acceleration((150, 100)) == pytest.approx(150 / 37)

    def test_refuses_another_image_size(self):
        with pytest.raises(InputError, match=r"mask has shape \(50, 40\), but the images have sh"):
            Undersampling(gaussian_mask((50, 40), 2)).apply(np.ones((1, 40, 40, 1), np.float32))


def test_a_network_takes_what_its_degradation_makes(images):
    for degradation in (Undersampling, LowResolution):
        example = degradation.example((45, 36))
        assert set(example.apply(images)) == set(degradation.input_specification)
        assert degradation.measurement in degradation.input_specification
        for name, value in example.apply(images).items():
            assert degradation.input_specification[name].is_compatible_with(value)


class TestPipeline:
    def test_describes_itself(self, low):
        assert (low.dataset, low.source) == ("cardiac", "folder")
        assert low.image_size == (36, 34)
        assert low.acceleration_label == "2x super-resolution"
        assert low.acceleration == 4
        np.testing.assert_array_equal(low.mask, center_window((36, 34), (18, 17)))
        assert low.mask_origin == "centre of k-space"

    @pytest.mark.parametrize("seed", [None, 3])
    def test_batches_equal_numpy(self, low, seed):
        inputs, image = next(iter(low.batches("train", 3, seed, first_epoch=0)))
        assert list(inputs) == ["low_resolution"]
        assert inputs["low_resolution"].shape == image.shape == (3, 36, 34, 1)
        for blurred, target in zip(inputs["low_resolution"], image, strict=True):
            expected = centre_by_numpy(target.numpy()[..., 0], (18, 17))
            np.testing.assert_allclose(blurred[..., 0], expected, atol=1e-6)
        np.testing.assert_array_equal(image.numpy().max(axis=(1, 2, 3)), 1)

    def test_slices_come_in_the_order_of_undersampling(self, low, data):
        """The same seed shows both tasks the same images, and resumes alike."""
        low_images, images, resumed = (
            [image.numpy() for _, image in chosen.batches("train", 3, 5, epoch).take(4)]
            for chosen, epoch in ((low, 2), (data, 2), (low, 3))
        )
        np.testing.assert_array_equal(low_images, images)
        np.testing.assert_array_equal(resumed[:2], low_images[2:])
        assert low.fingerprint == data.fingerprint

    @pytest.mark.parametrize("images_in_memory", [0, 6, 11, 12])
    def test_what_is_kept_in_memory_changes_no_bit(self, low, monkeypatch, images_in_memory):
        """Nothing, six images alone, or their low resolution too, which takes as much again."""

        def seen(chosen):
            return [
                (inputs["low_resolution"].numpy(), image.numpy())
                for inputs, image in chosen.batches("train", 3, seed=1, first_epoch=0).take(4)
            ]

        expected = seen(low)
        monkeypatch.setattr(data_module, "MEMORY_BUDGET_BYTES", images_in_memory * 36 * 34 * 4)
        chosen = dataclasses.replace(low)
        kept = chosen._slices["train"].element_spec
        assert ("low_resolution" in kept) == (images_in_memory == 12)
        np.testing.assert_array_equal(seen(chosen), expected)

    def test_augmentation_comes_before_the_blur(self, load_low):
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

    def test_a_teacher_can_be_cached(self, low):
        teacher = randomized(VDSR(3, filters=4))
        cached = cache_teacher(teacher, low, AttentionTransfer(), batch_size=4)
        inputs, _ = next(iter(low.batches("train", 6, teacher=cached["train"])))
        kept = inputs.pop("teacher")
        np.testing.assert_allclose(kept["image"], teacher(inputs), atol=1e-5)

    def test_mistakes_are_found_before_data_is_prepared(self, tmp_path):
        where = {"source": "synthetic", "data_dir": tmp_path / "prepared"}
        with pytest.raises(InputError, match=r"at least 1; got 0\.5"):
            load_super_resolution("calgary", 0.5, **where)
        with pytest.raises(InputError, match="augment must be a function"):
            load_super_resolution("calgary", 4, augment="flip", **where)
        assert not (tmp_path / "prepared").exists()

    def test_a_scale_that_leaves_nothing_is_refused(self, load_low):
        with pytest.raises(InputError, match="Scale 99 leaves nothing of images of 36x34 pixels"):
            load_low(scale=99)
