"""The preview of a reconstructed volume."""

import matplotlib.image
import numpy as np
import pytest

from kdmri_tf.inference.acquisition import MeasuredSlice
from kdmri_tf.inference.preview import preview_figure, previewed_slices
from kdmri_tf.inference.reconstruct_slices import ReconstructedSlice


@pytest.fixture
def draw(tmp_path):
    """Draws an image, which is target and reconstruction at once, and returns the pixels."""

    def preview(image, **options):
        measured = MeasuredSlice(image[..., np.newaxis], 0.5 * image, float(image.max()), image)
        part = ReconstructedSlice(3, measured, image, 0.1)
        preview_figure([part], tmp_path / "a.png", "title", "zero-filled", **options)
        return matplotlib.image.imread(tmp_path / "a.png")

    return preview


def test_flip_shows_the_first_row_at_the_bottom(draw):
    image = np.random.default_rng(0).uniform(size=(24, 20)).astype(np.float32)
    as_stored = draw(image)
    np.testing.assert_array_equal(draw(image[::-1], flip=True), as_stored)
    assert np.abs(draw(image, flip=True) - as_stored).max() > 0.1


def test_tall_slices_stay_small(draw):
    """Of a volume whose slices lie along another axis the picture would take minutes."""
    height, width, _ = draw(np.ones((600, 2), np.float32)).shape
    assert height < 2 * width


def test_slices_at_a_quarter_half_and_three_quarters():
    assert previewed_slices(8) == [2, 4, 6]
    assert previewed_slices(1) == [0]
