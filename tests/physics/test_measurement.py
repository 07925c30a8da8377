"""Training in TensorFlow and reconstruction in NumPy measure the same samples."""

import subprocess
import sys

import numpy as np
import pytest

from kdmri_tf import gaussian_mask
from kdmri_tf.physics import fourier, numpy_fourier
from kdmri_tf.physics.low_frequencies import center_window
from kdmri_tf.physics.measurement import measured_kspace, zero_filled_image

SIZES = [(15, 13), (16, 13), (7, 20), (45, 36), (1, 9)]


@pytest.fixture(params=SIZES, ids=str)
def images(request):
    return np.random.default_rng(0).random((2, *request.param, 1), np.float32)


@pytest.fixture(params=["one mask", "a mask each", "a window"])
def mask(request, images):
    size = images.shape[1:3]
    if request.param == "a window":
        return center_window(size, [(side + 1) // 2 for side in size])
    masks = [gaussian_mask(size, 1.5, center_lines=1, axis=1, seed=seed) for seed in (0, 1)]
    return masks[0] if request.param == "one mask" else np.stack(masks)


def test_both_libraries_agree(images, mask):
    for formula in (measured_kspace, zero_filled_image):
        by_tensorflow = formula(images, mask, fourier).numpy()
        by_numpy = formula(images, mask, numpy_fourier)
        assert by_tensorflow.dtype == by_numpy.dtype == np.float32
        assert by_tensorflow.shape == by_numpy.shape
        np.testing.assert_allclose(by_tensorflow, by_numpy, atol=2e-6)


def test_the_formula(images, mask):
    """M F x and |F^-1 M F x|, written apart."""
    kspace = mask * np.fft.fft2(images[..., 0].astype(np.float64), norm="ortho")
    measured = measured_kspace(images, mask, numpy_fourier)
    np.testing.assert_allclose(measured, np.stack([kspace.real, kspace.imag], -1), atol=2e-6)
    zero_filled = zero_filled_image(images, mask, numpy_fourier)[..., 0]
    np.testing.assert_allclose(zero_filled, np.abs(np.fft.ifft2(kspace, norm="ortho")), atol=2e-6)


def test_numpy_takes_complex_images(images):
    turned = images * np.exp(0.4j)
    expected = np.fft.fft2(turned[..., 0], norm="ortho")
    kspace = numpy_fourier.image_to_kspace(turned)
    np.testing.assert_allclose(kspace[..., 0] + 1j * kspace[..., 1], expected, atol=2e-6)
    np.testing.assert_allclose(numpy_fourier.kspace_to_magnitude(kspace), images, atol=2e-6)


def test_numpy_needs_no_tensorflow():
    code = (
        "import sys; from kdmri_tf.physics import measurement, numpy_fourier, masks; "
        "sys.exit('tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
