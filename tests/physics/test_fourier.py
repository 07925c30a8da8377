"""The Fourier transform is unitary and unshifted, and its gradient is its adjoint."""

import numpy as np
import pytest
import tensorflow as tf

from kdmri_tf.physics import fourier

SIZES = [(32, 32), (15, 22), (31, 17)]


@pytest.fixture(params=SIZES, ids=str)
def size(request):
    return request.param


def random_image(size, seed=0):
    return np.random.default_rng(seed).normal(size=(2, *size, 1)).astype(np.float32)


def random_kspace(size, seed=1):
    return np.random.default_rng(seed).normal(size=(2, *size, 2)).astype(np.float32)


def test_equals_numpy(size):
    image = random_image(size)
    expected = np.fft.fft2(image[..., 0], norm="ortho")
    kspace = fourier.image_to_kspace(image).numpy()
    np.testing.assert_allclose(kspace[..., 0], expected.real, atol=2e-6)
    np.testing.assert_allclose(kspace[..., 1], expected.imag, atol=2e-6)


def test_zero_frequency_comes_first():
    kspace = fourier.image_to_kspace(np.ones((1, 6, 8, 1), np.float32)).numpy()
    assert kspace[0, 0, 0, 0] == pytest.approx(np.sqrt(48), rel=1e-6)
    assert np.abs(kspace).sum() == pytest.approx(np.sqrt(48), rel=1e-5)


def test_keeps_the_norm(size):
    image = random_image(size)
    kspace = fourier.image_to_kspace(image).numpy()
    assert np.linalg.norm(kspace) == pytest.approx(np.linalg.norm(image), rel=1e-5)


def test_there_and_back(size):
    image = random_image(size)
    magnitude = fourier.kspace_to_magnitude(fourier.image_to_kspace(image))
    np.testing.assert_allclose(magnitude, np.abs(image), atol=2e-6)


def test_magnitude_of_complex_images_equals_numpy(size):
    kspace = random_kspace(size)
    expected = np.abs(np.fft.ifft2(kspace[..., 0] + 1j * kspace[..., 1], norm="ortho"))
    np.testing.assert_allclose(fourier.kspace_to_magnitude(kspace)[..., 0], expected, atol=2e-6)


def test_gradient_is_the_adjoint(size):
    """For a unitary transform of real images, the real part of its inverse."""
    image, kspace = tf.constant(random_image(size)), random_kspace(size)
    with tf.GradientTape() as tape:
        tape.watch(image)
        product = tf.reduce_sum(fourier.image_to_kspace(image) * kspace)
    adjoint = np.fft.ifft2(kspace[..., 0] + 1j * kspace[..., 1], norm="ortho").real
    np.testing.assert_allclose(tape.gradient(product, image)[..., 0], adjoint, atol=2e-5)


@pytest.mark.parametrize("length", [1, 2, 45, 368, 640])
def test_dft_matrix_is_exact_to_rounding_where_the_length_is_a_tensor(length):
    angles = 2 * np.pi * np.outer(np.arange(length), np.arange(length)) / length
    cosines, sines = fourier.dft_matrix(tf.constant(length))
    np.testing.assert_allclose(cosines, np.cos(angles), atol=1.2e-7)
    np.testing.assert_allclose(sines, np.sin(angles), atol=1.2e-7)
