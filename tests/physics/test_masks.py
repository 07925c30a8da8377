"""Masks measure what they promise, and files that cannot be masks are refused."""

import numpy as np
import pytest

from kdmri_tf import InputError, load_mask
from kdmri_tf.physics.mask_choice import MaskChoice
from kdmri_tf.physics.masks import check_mask, true_acceleration
from kdmri_tf.physics.samplers import SAMPLERS, gaussian_mask


@pytest.fixture(params=SAMPLERS)
def sampler(request):
    return SAMPLERS[request.param]


@pytest.mark.parametrize(
    ("image_size", "center_lines", "axis"),
    [((150, 150), 10, 0), ((240, 240), 10, 0), ((640, 368), 30, 1), ((47, 33), 5, 1)],
)
@pytest.mark.parametrize("acceleration", [4, 5])
def test_budget_center_and_geometry(sampler, image_size, center_lines, axis, acceleration):
    mask = sampler(image_size, acceleration, center_lines, axis, seed=3)
    lines = mask.take(0, axis=1 - axis)
    num_lines = image_size[axis]
    assert mask.dtype == np.float32
    assert mask.shape == image_size
    assert (mask == np.expand_dims(lines, 1 - axis)).all(), "not constant along the readout"
    assert lines.sum() == int(num_lines / acceleration)
    frequency = np.fft.fftfreq(num_lines, 1 / num_lines)
    assert lines[np.abs(frequency) < center_lines // 2].all()
    assert true_acceleration(mask) == pytest.approx(num_lines / int(num_lines / acceleration))


def test_seed_decides(sampler):
    arguments = ((240, 200), 4)
    assert (sampler(*arguments, seed=1) == sampler(*arguments, seed=1)).all()
    assert (sampler(*arguments, seed=1) != sampler(*arguments, seed=2)).any()


def test_gaussian_mask_prefers_low_frequencies():
    masks = [gaussian_mask((240, 4), 4, seed=seed)[:, 0] for seed in range(200)]
    drawn = np.fft.fftshift(np.mean(masks, axis=0))
    index = np.arange(240)
    near = drawn[(np.abs(index - 120) > 8) & (np.abs(index - 120) < 24)].mean()
    far = drawn[np.abs(index - 120) > 90].mean()
    assert near > 3 * far
    assert far > 0.01, "the flat part of the density reaches every line"


def test_equispaced_lines_are_evenly_spread():
    lines = SAMPLERS["equispaced"]((400, 4), 8, center_lines=10)[:, 0]
    gaps = np.diff(np.flatnonzero(lines[6:-6]))
    assert gaps.max() - gaps.min() <= 1


def test_full_sampling(sampler):
    assert sampler((32, 32), 1).all()


@pytest.mark.parametrize(
    ("acceleration", "message"),
    [
        (0.5, "acceleration must be at least 1, not 0.5"),
        (float("nan"), "acceleration must be at least 1, not nan"),
        (20, "leaves 7 of 150 lines, fewer than the 10 centre lines"),
    ],
)
def test_impossible_acceleration(sampler, acceleration, message):
    with pytest.raises(InputError, match=message):
        sampler((150, 150), acceleration)


def test_unknown_axis(sampler):
    with pytest.raises(InputError, match="axis must be 0 or 1, not -2"):
        sampler((64, 64), 2, axis=-2)


def test_load_mask(tmp_path):
    mask = gaussian_mask((32, 48), 2)
    np.save(tmp_path / "mask.npy", mask.astype(bool))
    loaded = load_mask(tmp_path / "mask.npy", (32, 48))
    assert loaded.dtype == np.float32
    assert (loaded == mask).all()


def test_warns_of_a_mask_with_the_zero_frequency_in_the_centre(tmp_path):
    """Which would measure high frequencies instead of low ones."""
    np.save(tmp_path / "mask.npy", np.fft.fftshift(gaussian_mask((65, 48), 4)))
    with pytest.warns(UserWarning, match=r"zero frequency, which belongs at \[0, 0\]\. .*fft\.iff"):
        load_mask(tmp_path / "mask.npy", (65, 48))
    given = MaskChoice(str(tmp_path / "mask.npy"), 4)
    with pytest.warns(UserWarning, match=r"The mask mask\.npy does not measure the zero freq"):
        given.masks_for((65, 48), 10, 0)


def test_half_an_archive_is_no_mask(tmp_path):
    np.savez(tmp_path / "mask.npz", mask=np.ones((8, 8)))
    path = tmp_path / "mask.npy"
    path.write_bytes((tmp_path / "mask.npz").read_bytes()[:60])
    with pytest.raises(InputError, match=r"is not a readable \.npy array"):
        load_mask(path, (8, 8))


def test_load_mask_errors(tmp_path):
    path = tmp_path / "mask.npy"
    with pytest.raises(InputError, match=r"no mask file .*mask.npy; give a .npy file or one"):
        load_mask(path, (32, 32))
    path.write_bytes(b"no array")
    with pytest.raises(InputError, match=r"not a readable .npy array"):
        load_mask(path, (32, 32))
    np.save(path, np.ones((32, 30)))
    with pytest.raises(InputError, match=r"shape \(32, 30\), but the images have shape \(32, 32\)"):
        load_mask(path, (32, 32))


@pytest.mark.parametrize(
    ("value", "message"), [(0.5, "may hold only 0 .not measured. and 1"), (0.0, "measures nothing")]
)
def test_check_mask_values(value, message):
    with pytest.raises(InputError, match=message):
        check_mask(np.full((8, 8), value), (8, 8))


def test_nan_is_no_mask():
    with pytest.raises(InputError, match=r"may hold only 0 .not measured. and 1"):
        check_mask(np.full((8, 8), np.nan), (8, 8))


@pytest.mark.parametrize(
    ("name", "acceleration"),
    [("cardiac_4x", 4.05), ("brain_5x", 5.0), ("knee_4x", 3.91), ("knee_8x", 7.36)],
)
def test_masks_of_the_papers(shared, name, acceleration):
    path = shared / "masks" / f"{name}.npy"
    mask = load_mask(path, np.load(path).shape)
    assert true_acceleration(mask) == pytest.approx(acceleration, abs=0.005)
