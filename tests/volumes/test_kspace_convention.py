"""K-space of another FFT convention is refused, rolled and complex images are warned of."""

import warnings

import numpy as np
import pytest
from stand_in import centered_kspace

from kdmri_tf import InputError
from kdmri_tf.phantoms.phantom_volume import phantom_volume
from kdmri_tf.volumes.kspace_convention import check_convention, warn_of_rolled_image
from kdmri_tf.volumes.open_volume import open_volume

PLANE = (-2, -1)


@pytest.fixture(scope="module", params=["brain", "knee", "cardiac"])
def images(request):
    size = {"cardiac": (75, 60), "brain": (80, 75), "knee": (96, 80)}[request.param]
    return phantom_volume(request.param, size, seed=3, num_slices=3)


def as_pairs(kspace):
    return np.stack([kspace.real, kspace.imag], axis=-1)


def read(path, array):
    np.save(path, array)
    with open_volume(path) as volume:
        return np.stack([volume.magnitude(index) for index in range(volume.num_slices)])


@pytest.mark.parametrize("coils", [1, 3])
def test_what_the_refusals_advise_gives_the_image(tmp_path, images, coils):
    """Not the same image in quarters that have changed places."""
    kspace = np.fft.fft2(images, norm="ortho")
    if coils > 1:
        kspace = np.stack([kspace] * coils, axis=1)
    with pytest.raises(InputError, match=r"save np\.fft\.fftshift\(np\.fft\.fft2\(np\.fft\.iff"):
        read(tmp_path / "a.npy", kspace)
    centered = np.fft.ifft2(kspace)
    for step in (np.fft.ifftshift, np.fft.fft2, np.fft.fftshift):
        centered = step(centered, axes=PLANE)
    expected = images * np.sqrt(coils)
    np.testing.assert_allclose(read(tmp_path / "a.npy", centered), expected, atol=1e-5)

    pairs = as_pairs(centered_kspace(images))
    with pytest.raises(InputError, match=r"save kspace\[\.\.\., 0\] \+ 1j \* kspace\[\.\.\., 1\]"):
        read(tmp_path / "b.npy", pairs)
    complex_numbers = pairs[..., 0] + 1j * pairs[..., 1]
    np.testing.assert_allclose(read(tmp_path / "b.npy", complex_numbers), images, atol=1e-5)


@pytest.mark.parametrize("images", ["brain"], indirect=True)
def test_an_image_that_is_rolled_is_warned_of(tmp_path, images):
    """Where air surrounds it; a heart or a knee may fill its image.

    The shift of k-space is there, that of the image is not: the zero frequency is in place.
    """
    rolled = np.fft.fftshift(np.fft.fft2(images, norm="ortho"), axes=PLANE)
    with pytest.warns(UserWarning, match=r"slice 1 of .*a\.npy seems to be cut into quarters"):
        taken = read(tmp_path / "a.npy", rolled)
    np.testing.assert_allclose(taken, np.fft.fftshift(images, axes=PLANE), atol=1e-5)
    with pytest.warns(UserWarning, match="at \\[0, 0\\] it is fft2"):
        read(tmp_path / "a.npy", as_pairs(np.fft.ifftshift(centered_kspace(images), axes=PLANE)))


def test_complex_images_are_warned_of(tmp_path, images):
    with pytest.warns(UserWarning, match=r"read as k-space, but slice 1 has only .*% of its ener"):
        read(tmp_path / "a.npy", images * np.exp(0.3j))


@pytest.mark.parametrize("measured", [1, 2, 3])
def test_usual_kspace_is_taken_in_silence(images, measured):
    """Fully sampled and undersampled, whose images are aliased."""
    middle = images[1]
    kspace = centered_kspace(middle)
    lines = np.arange(len(kspace)) % measured == 0
    lines[len(lines) // 2 - 5 : len(lines) // 2 + 5] = True
    kspace = kspace * lines[:, np.newaxis]
    aliased = np.abs(np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(kspace))))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_convention(kspace[np.newaxis], True, "a.npy", 0)
        check_convention(np.fft.ifftshift(kspace)[np.newaxis], False, "a.npy", 0)
        warn_of_rolled_image(aliased, "a.npy", 0)


def test_nothing_is_said_of_blank_slices():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_convention(np.zeros((1, 8, 9), complex), True, "a.npy", 0)
        warn_of_rolled_image(np.zeros((8, 9), np.float32), "a.npy", 0)
