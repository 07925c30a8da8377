"""The metrics against their formulas, scikit-image's own functions, and bad input."""

import numpy as np
import pytest
import skimage.metrics

from kdmri_tf.errors import InputError
from kdmri_tf.evaluation.volume_metrics import VOLUME_METRICS, hfn, nmse, psnr, ssim


@pytest.fixture
def volumes():
    """A target volume, maximum 0.8, and a noisy prediction that leaves [0, 1] in places."""
    generator = np.random.default_rng(0)
    target = generator.uniform(0, 0.8, size=(3, 20, 16)).astype(np.float32)
    target[1, 4, 4] = 0.8
    prediction = target + generator.normal(0, 0.3, size=target.shape).astype(np.float32)
    assert prediction.min() < 0 < 1 < prediction.max()
    return target, prediction


def test_psnr_has_the_maximum_of_the_target_volume_as_data_range(volumes):
    target, prediction = volumes
    expected = skimage.metrics.peak_signal_noise_ratio(
        target.astype(np.float64), prediction.astype(np.float64), data_range=target.max()
    )
    assert psnr(target, prediction) == pytest.approx(expected, rel=1e-6)
    constant_error = target + np.float32(0.08)
    assert psnr(target, constant_error) == pytest.approx(20.0, abs=1e-4)


def test_ssim_is_the_mean_over_slices_with_one_data_range(volumes):
    target, prediction = volumes
    per_slice = [
        skimage.metrics.structural_similarity(
            a.astype(np.float64), b.astype(np.float64), data_range=float(target.max())
        )
        for a, b in zip(target, prediction, strict=True)
    ]
    assert ssim(target, prediction) == pytest.approx(np.mean(per_slice), rel=1e-9)


def test_nmse_formula(volumes):
    target, prediction = volumes
    expected = np.linalg.norm(target - prediction) ** 2 / np.linalg.norm(target) ** 2
    assert nmse(target, prediction) == pytest.approx(expected, rel=1e-5)
    assert nmse(target, np.zeros_like(target)) == 1


def test_hfn_formula(volumes):
    target, prediction = volumes

    def edges(image):
        mirrored = np.pad(image.astype(np.float64), 1, mode="symmetric")
        neighbours = mirrored[:-2, 1:-1] + mirrored[2:, 1:-1]
        neighbours += mirrored[1:-1, :-2] + mirrored[1:-1, 2:]
        return neighbours - 4 * image.astype(np.float64)

    expected = [
        np.sum((edges(a) - edges(np.clip(b, 0, 1))) ** 2) / np.sum(edges(a) ** 2)
        for a, b in zip(target, prediction, strict=True)
    ]
    assert hfn(target, prediction) == pytest.approx(np.mean(expected), rel=1e-9)


def test_hfn_leaves_out_constant_slices(volumes):
    target, prediction = volumes
    blank = np.zeros_like(target[:1])
    with_blank = hfn(np.concatenate([target, blank]), np.concatenate([prediction, blank]))
    assert with_blank == pytest.approx(hfn(target, prediction))
    with pytest.raises(InputError, match="every slice of the target is constant"):
        hfn(np.ones((2, 8, 8)), np.zeros((2, 8, 8)))


def test_perfect_reconstruction(volumes):
    target, _ = volumes
    values = {name: metric(target, target) for name, metric in VOLUME_METRICS.items()}
    assert values == {"psnr": np.inf, "ssim": pytest.approx(1), "nmse": 0, "hfn": 0}


@pytest.mark.parametrize("metric", VOLUME_METRICS.values(), ids=VOLUME_METRICS)
def test_bad_volumes_are_refused(metric, volumes):
    target, prediction = volumes
    with pytest.raises(InputError, match=r"\(3, 20, 16\) and the prediction \(2, 20, 16\)"):
        metric(target, prediction[:2])
    with pytest.raises(InputError, match=r"shape \(slices, H, W\), not \(20, 16\)"):
        metric(target[0], prediction[0])
    with pytest.raises(InputError, match="target is blank"):
        metric(np.zeros_like(target), prediction)
    broken = prediction.copy()
    broken[0, 0, 0] = np.nan
    with pytest.raises(InputError, match="prediction holds NaN or infinity"):
        metric(target, broken)
    with pytest.raises(InputError, match="target holds NaN or infinity"):
        metric(broken, target)


def test_ssim_refuses_images_smaller_than_its_window():
    with pytest.raises(InputError, match="at least 7x7 pixels, but these have 6x9"):
        ssim(np.ones((2, 6, 9)), np.ones((2, 6, 9)))
