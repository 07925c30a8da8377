"""Arrays that are scaled or shifted as none in training bring a warning, in the first call."""

import re
from pathlib import Path

import numpy as np
import pytest

from kdmri_tf import DCCNN, VDSR, InputError, Reconstructor, phantom_volume

ROOT = Path(__file__).parents[2]


def pairs(kspace):
    return np.stack([kspace.real, kspace.imag], axis=-1).astype(np.float32)


@pytest.fixture
def image():
    """Two slices of a brain, `(2, 48, 44)`, each with maximum 1."""
    volume = phantom_volume("brain", (48, 44), num_slices=2, seed=0)
    return volume / volume.max(axis=(1, 2), keepdims=True)


@pytest.fixture
def reconstruct(tmp_path):
    DCCNN(2, 1, filters=2).save(tmp_path / "student.keras")
    return Reconstructor(tmp_path / "student.keras")


MASK = np.ones((48, 44), np.float32)


def test_as_in_training(reconstruct, image):
    reconstruct(pairs(np.fft.fft2(image, norm="ortho")), MASK)
    reconstruct(np.zeros((1, 48, 44, 2)), MASK)


@pytest.mark.parametrize("factor", [1e-5, 300])
def test_another_scale(reconstruct, image, factor):
    kspace = pairs(factor * np.fft.fft2(image, norm="ortho"))
    with pytest.warns(match=rf"of kspace has the maximum {factor:.3g}, but .*: divide kspace by"):
        reconstruct(kspace, MASK)
    reconstruct(kspace, MASK)  # said once


@pytest.mark.parametrize("axes", [(-2,), (-1,), (-2, -1)])
def test_centred_kspace(reconstruct, image, axes):
    kspace = np.fft.fftshift(np.fft.fft2(image, norm="ortho"), axes)
    with pytest.warns(match=r"The low frequencies of kspace are not around \[0, 0\]"):
        reconstruct(pairs(kspace), MASK)


def test_several_coils(tmp_path, image):
    DCCNN(2, 1, filters=2, complex_images=True).save(tmp_path / "coils.keras")
    coils = np.stack([image, 1j * image], axis=1) / np.sqrt(2)
    maps = pairs(np.full(coils.shape, 1 / np.sqrt(2)) * np.array([1, 1j])[:, None, None])
    kspace = np.fft.fft2(coils, norm="ortho")
    Reconstructor(tmp_path / "coils.keras")(pairs(kspace), MASK, maps)
    with pytest.warns(match=r"has the maximum 1e\+03, but"):
        Reconstructor(tmp_path / "coils.keras")(pairs(1000 * kspace), MASK, maps)


def test_low_resolution(tmp_path, image):
    VDSR(2, filters=2).save(tmp_path / "vdsr.keras")
    Reconstructor(tmp_path / "vdsr.keras")(image[..., None])
    with pytest.warns(match=r"of low_resolution has the maximum 100, but"):
        Reconstructor(tmp_path / "vdsr.keras")(100 * image[..., None])


def test_complex_arrays_are_refused_with_the_way_out(reconstruct, image):
    with pytest.raises(InputError, match=r"got complex64\. Complex k-space is np\.stack\(\[ksp"):
        reconstruct(np.fft.fft2(image), MASK)


def test_what_the_documentation_makes_of_centred_arrays(reconstruct, image):
    page = (ROOT / "docs/serve.md").read_text(encoding="utf-8")
    (code,) = (
        block
        for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL)
        if "centered" in block
    )
    axes = (-2, -1)
    shifted = np.fft.fft2(np.fft.ifftshift(7 * image, axes), norm="ortho")
    names = {
        "centered": np.fft.fftshift(shifted, axes),
        "reconstruct": reconstruct,
        "mask": MASK,
    }
    exec(code, names)
    np.testing.assert_allclose(names["scale"], 7, rtol=1e-5)
    expected = np.fft.fft2(image, norm="ortho")
    np.testing.assert_allclose(names["kspace"], pairs(expected), atol=1e-5)
    np.testing.assert_allclose(names["image"], 7 * image[..., None], atol=1e-3)
