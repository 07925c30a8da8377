"""The gapless centre of masks, found alike by NumPy and TensorFlow."""

import numpy as np
import pytest
import tensorflow as tf

from kdmri_tf import InputError, calibration_region, equispaced_mask, gaussian_mask
from kdmri_tf.physics import numpy_names
from kdmri_tf.physics.calibration import calibration_window, describe, region_sides
from kdmri_tf.physics.low_frequencies import center_window


def with_a_few_more(mask, seed=0):
    """A mask that also measures some single samples."""
    return np.maximum(mask, np.random.default_rng(seed).random(mask.shape) < 0.3).astype("f4")


MASKS = {
    "rows": (gaussian_mask((45, 36), 2, center_lines=9), (9, 36)),
    "columns": (equispaced_mask((45, 36), 2, center_lines=8, axis=1), (45, 8)),
    "block": (with_a_few_more(center_window((45, 36), (11, 14))), (11, 14)),
    "more rows, too": (np.maximum(center_window((45, 36), (10, 9)), np.eye(45, 1)), (10, 9)),
    "everything": (np.ones((9, 12)), (9, 12)),
}


@pytest.mark.parametrize("name", MASKS)
def test_region(name):
    mask, region = MASKS[name]
    assert calibration_region(mask) == region
    assert calibration_region(mask.astype(bool).tolist()) == region


def test_both_libraries_find_it_for_a_batch():
    masks = np.stack([mask for mask, _ in MASKS.values() if mask.shape == (45, 36)]).astype("f4")
    spec = tf.TensorSpec((None, None, None), tf.float32)
    sides = tf.function(lambda mask: region_sides(mask, numpy_names), input_signature=[spec])
    expected = [region for mask, region in MASKS.values() if mask.shape == (45, 36)]
    assert np.stack(sides(masks), axis=-1).tolist() == np.array(expected).tolist()
    window = tf.function(lambda m: calibration_window(m, numpy_names), input_signature=[spec])
    np.testing.assert_allclose(window(masks), calibration_window(masks, np), atol=1e-6)


@pytest.mark.parametrize("name", MASKS)
def test_window_lies_within_the_mask(name):
    mask, (height, width) = MASKS[name]
    window = calibration_window(mask.astype("f4"), np)
    assert window[0, 0] == 1
    assert not window[mask == 0].any()
    side = min(height, 2 * width)
    assert np.count_nonzero(window[:, 0]) == side - (side + 1) % 2  # -n / 2 has weight 0
    flipped = np.roll(window[::-1, ::-1], 1, axis=(0, 1))
    np.testing.assert_allclose(window, flipped, atol=1e-6)


def test_mask_without_the_zero_frequency_has_no_window():
    mask = 1 - np.eye(16, dtype="f4")[:1].T * np.eye(20, dtype="f4")[0]
    assert region_sides(mask, np) == (0, 0)
    assert not calibration_window(mask, np).any()


def test_description():
    assert describe(MASKS["rows"][0]) == "coil sensitivities from the 9 lowest of 45 lines"
    assert describe(MASKS["columns"][0]) == "coil sensitivities from the 8 lowest of 36 lines"
    words = "coil sensitivities from the 11x14 lowest of 45x36 frequencies"
    assert describe(MASKS["block"][0]) == words


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (gaussian_mask((45, 36), 4, center_lines=4), "measures 4 lines around"),
        (gaussian_mask((45, 36), 9, center_lines=1, seed=1), "measures 1 line around"),
        (np.eye(45, 36)[::-1], "measures 0x0 frequencies around"),
        (center_window((45, 36), (20, 6)), "measures 20x6 frequencies around"),
    ],
)
def test_too_little_is_refused(mask, words):
    with pytest.raises(InputError, match=words) as error:
        calibration_region(mask)
    assert "at least 8" in str(error.value)
    assert "--center-lines 24" in str(error.value)


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (np.fft.fftshift(MASKS["rows"][0]), r"in the centre, .* use np.fft.ifftshift\(mask\)"),
        (np.ones((2, 45, 36)), r"shape \(H, W\), not \(2, 45, 36\)"),
    ],
)
def test_other_masks_are_refused(mask, words):
    with pytest.raises(InputError, match=words):
        calibration_region(mask)
