"""Slices are cropped, padded and normalised around their centre."""

import numpy as np
import pytest

from tfds_builders.slices import center_crop_or_pad, is_blank, normalize


class TestSlices:
    @pytest.mark.parametrize("size", [(4, 4), (5, 5), (12, 13), (3, 20), (8, 9), (1, 1)])
    @pytest.mark.parametrize("shape", [(8, 9), (7, 7), (1, 6)])
    def test_centre_stays_the_centre(self, rng, shape, size):
        image = rng.random(shape) + 1
        result = center_crop_or_pad(image, size)
        assert result.shape == size
        for row in range(-25, 26):
            for column in range(-25, 26):
                y, x = shape[0] // 2 + row, shape[1] // 2 + column
                new_y, new_x = size[0] // 2 + row, size[1] // 2 + column
                if 0 <= new_y < size[0] and 0 <= new_x < size[1]:
                    inside = 0 <= y < shape[0] and 0 <= x < shape[1]
                    assert result[new_y, new_x] == (image[y, x] if inside else 0)

    def test_pad_then_crop_is_the_identity(self, rng):
        image = rng.random((7, 10))
        padded = center_crop_or_pad(image, (12, 15))
        np.testing.assert_array_equal(center_crop_or_pad(padded, (7, 10)), image)

    @pytest.mark.parametrize("scale", [1e-38, 1.0, 4095.0, 1e38])
    def test_normalized_maximum_is_one(self, rng, scale):
        image = (rng.random((4, 4)) * scale).astype(np.float32)
        result = normalize(image)
        assert result.dtype == np.float32
        assert result.max() == 1
        np.testing.assert_allclose(result, image.astype(float) / image.max(), rtol=1e-6)

    def test_blank(self):
        assert is_blank(np.zeros((3, 3)))
        assert not is_blank(np.eye(3))
