"""CG-SENSE and L1-wavelet compressed sensing: sigpy's results, by our convention and scale."""

import warnings

import numpy as np
import pytest
from needed_packages import needed
from simulated_coils import SIZE, coil_images, measure, smooth_maps, to_channels, to_complex

from kdmri_tf import InputError, gaussian_mask
from kdmri_tf.evaluation.sense_baselines import WEIGHTS, best_weight, cg_sense, l1_wavelet

sigpy = needed("sigpy")
needed("sigpy.mri")


@pytest.fixture(scope="module")
def inputs():
    """One slice of four coils with known sensitivities."""
    mask = gaussian_mask(SIZE, 2.5, center_lines=12)
    maps = to_channels(smooth_maps(4))
    return {
        "kspace": measure(coil_images(4, noise=0.01)[0], mask),
        "mask": mask,
        "sensitivities": maps,
    }


@pytest.fixture(scope="module")
def target():
    return to_channels((smooth_maps(4).conj() * coil_images(4)[0]).sum(axis=0))


def error(image, target):
    return np.linalg.norm(image - target) / np.linalg.norm(target)


def zero_filled(inputs):
    images = np.fft.ifft2(to_complex(inputs["kspace"]), norm="ortho")
    return to_channels((to_complex(inputs["sensitivities"]).conj() * images).sum(axis=0))


@pytest.mark.parametrize("baseline", [cg_sense, l1_wavelet])
def test_better_than_zero_filled(baseline, inputs, target, capfd):
    image = baseline(**inputs, iterations=20)
    assert image.dtype == np.float32
    assert image.shape == (*SIZE, 2)
    assert error(image, target) < 0.92 * error(zero_filled(inputs), target)
    assert capfd.readouterr() == ("", "")  # no progress bars


@pytest.mark.parametrize("baseline", [cg_sense, l1_wavelet])
def test_in_the_scale_of_the_kspace(baseline, inputs):
    image = baseline(**inputs, iterations=5)
    for scale in (1e-12, 1e12):
        scaled = baseline(**inputs | {"kspace": scale * inputs["kspace"]}, iterations=5)
        np.testing.assert_allclose(scaled / scale, image, atol=1e-4)


def test_cg_sense_solves_the_normal_equations(inputs):
    """(A^H A + weight) x = A^H y, A = M F S by our own convention."""
    maps, mask = to_complex(inputs["sensitivities"]), inputs["mask"]
    image = to_complex(cg_sense(**inputs, weight=0.1, iterations=40))
    images = np.fft.ifft2(mask * np.fft.fft2(maps * image, norm="ortho"), norm="ortho")
    left = (maps.conj() * images).sum(axis=0) + 0.1 * image
    np.testing.assert_allclose(to_channels(left), zero_filled(inputs), atol=1e-4)


def test_one_coil_needs_no_sensitivities(inputs):
    alone = {"kspace": inputs["kspace"][:1], "mask": inputs["mask"]}
    ones = np.zeros_like(alone["kspace"]) + np.float32([1, 0])
    expected = zero_filled(alone | {"sensitivities": ones})
    np.testing.assert_allclose(1.01 * cg_sense(**alone), expected, atol=1e-5)
    truth = to_channels(coil_images(4)[0, 0])
    assert error(l1_wavelet(**alone, weight=1e-3), truth) < error(expected, truth)


def test_blank_slice_stays_blank(inputs):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        blank = inputs | {"kspace": 0 * inputs["kspace"]}
        assert not cg_sense(**blank, iterations=3).any()
        assert not l1_wavelet(**blank, iterations=3).any()


def test_best_weight(inputs, target):
    assert best_weight(cg_sense, [(inputs, target)], (10, 0.01, 1)) == 0.01
    assert best_weight(cg_sense, [(inputs, target)]) in WEIGHTS[cg_sense]
    with pytest.raises(InputError, match="There is no slice to choose"):
        best_weight(cg_sense, [])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda inputs: {"kspace": inputs["kspace"][0]}, "shape \\(coils, H, W, 2\\), not"),
        (lambda inputs: {"mask": inputs["mask"].T}, "The mask has the shape \\(36, 45\\)"),
        (lambda inputs: {"sensitivities": None}, "of 4 coils needs the sensitivities"),
        (
            lambda inputs: {"sensitivities": inputs["sensitivities"][:3]},
            "both need the same coils and size",
        ),
    ],
)
def test_what_does_not_fit_is_refused(change, message, inputs):
    with pytest.raises(InputError, match=message):
        cg_sense(**inputs | change(inputs))
