"""Low resolution against NumPy, and interpolation against known functions."""

import numpy as np
import pytest
import tensorflow as tf
from low_resolution import centre_by_numpy

from kdmri_tf import InputError, LowResolution
from kdmri_tf.physics.low_resolution import bicubic, lower_resolution

SIZES = [(16, 12), (15, 13), (16, 9), (7, 20)]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


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
        inputs = LowResolution(1).apply(images)
        for restored in (
            inputs["low_resolution"],
            *(baseline(inputs, images) for baseline in LowResolution(1).baselines.values()),
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
