"""random_zoom: the same body on fewer pixels."""

import numpy as np
import pytest
import tensorflow as tf

from kdmri_tf import phantom_volume, random_zoom
from kdmri_tf.data.random_zoom import LARGEST_ZOOM


@pytest.fixture(scope="module")
def image():
    return phantom_volume("brain", (60, 44), num_slices=1, seed=0)[0, ..., np.newaxis]


def extent(image):
    """(rows, columns) that the body spans."""
    body = image[..., 0] > 0.15
    return tuple(np.ptp(np.flatnonzero(body.any(axis=axis))) + 1 for axis in (1, 0))


def test_the_body_is_smaller_by_the_same_factor_along_both_axes(image):
    before = extent(image)
    factors = []
    for seed in range(12):
        zoomed = random_zoom(image, (seed, 1)).numpy()
        assert zoomed.shape == image.shape
        assert zoomed.max() == pytest.approx(1)
        rows, columns = (a / b for a, b in zip(before, extent(zoomed), strict=True))
        assert rows == pytest.approx(columns, rel=0.12)
        factors.append((rows + columns) / 2)
    assert 0.95 < min(factors) < 1.25 < 1.35 < max(factors) < 1.75


def test_it_is_a_crop_of_kspace(image):
    """By NumPy, with the factor that the seed draws."""
    seed = (10, 1)
    factor = float(tf.random.stateless_uniform((), seed, 1.0, LARGEST_ZOOM))
    assert factor > 1.4
    rows, columns = (round(length / factor) for length in (60, 44))
    spectrum = np.fft.fftshift(np.fft.fft2(image[..., 0]))
    first = 30 - rows // 2, 22 - columns // 2
    cropped = spectrum[first[0] : first[0] + rows, first[1] : first[1] + columns]
    shrunk = np.abs(np.fft.ifft2(np.fft.ifftshift(cropped)))
    expected = np.zeros((60, 44))
    top, left = (60 - rows) // 2, (44 - columns) // 2
    expected[top : top + rows, left : left + columns] = shrunk / shrunk.max()
    np.testing.assert_allclose(random_zoom(image, seed)[..., 0], expected, atol=1e-5)


def test_details_are_finer(image):
    """More of the energy lies in the outer half of k-space."""

    def outer_share(image):
        energy = np.abs(np.fft.fftshift(np.fft.fft2(image[..., 0]))) ** 2
        inner = energy[15:45, 11:33].sum()
        return 1 - inner / energy.sum()

    blurred = tf.nn.avg_pool2d(image[np.newaxis], 3, 1, "SAME")[0]
    seed = max(((s, 1) for s in range(12)), key=lambda s: -extent(random_zoom(image, s).numpy())[0])
    assert outer_share(random_zoom(blurred, seed).numpy()) > 2 * outer_share(blurred.numpy())


def test_a_constant_keeps_its_edge(image):
    """Nothing wraps around, and odd sizes stay in the middle."""
    zoomed = random_zoom(tf.ones((31, 27, 1)), (4, 1))[..., 0].numpy()
    np.testing.assert_allclose(zoomed[zoomed > 0.5], 1, atol=1e-5)
    rows, columns = np.nonzero(zoomed > 0.5)
    for indices, length in ((rows, 31), (columns, 27)):
        assert abs(indices.min() - (length - 1 - indices.max())) <= 1


def test_blank_slices_stay_blank():
    assert not random_zoom(tf.zeros((12, 12, 1)), (0, 1)).numpy().any()


def test_it_is_an_augmentation_of_loaded_data(load_tiny):
    zoomed = load_tiny(augment=random_zoom)
    images = [image for _, image in zoomed.batches("train", 2, seed=1).take(4)]
    assert all(np.isfinite(image).all() for image in images)
