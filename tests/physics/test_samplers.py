"""Masks that are drawn measure what they promise."""

import numpy as np
import pytest

from kdmri_tf import InputError
from kdmri_tf.physics.masks import true_acceleration
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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1}, "The seed must be a whole number of 0 or more, not -1"),
        ({"seed": 0.5}, "The seed must be a whole number of 0 or more, not 0.5"),
        ({"center_lines": 2.5}, "The number of centre lines must be a whole number of 0 or more"),
        ({"center_lines": -2}, "The number of centre lines must be a whole number of 0 or more"),
    ],
)
def test_impossible_numbers(sampler, arguments, message):
    with pytest.raises(InputError, match=message):
        sampler((64, 64), 4, **arguments)


def test_a_mask_needs_a_line(sampler):
    with pytest.raises(InputError, match="Acceleration 151 leaves none of 150 lines; lower it"):
        sampler((150, 150), 151, center_lines=0)


def test_unknown_axis(sampler):
    with pytest.raises(InputError, match="axis must be 0 or 1, not -2"):
        sampler((64, 64), 2, axis=-2)


@pytest.mark.parametrize("image_size", [(64, 48), [64, 48], np.array([64, 48]), np.uint8([64, 48])])
def test_sizes_are_of_any_integers(sampler, image_size):
    mask = sampler(image_size, np.float32(2), np.int64(6), axis=np.int8(1), seed=np.uint8(3))
    assert (mask == sampler((64, 48), 2, 6, axis=1, seed=3)).all()


@pytest.mark.parametrize("image_size", [64, (64,), (64, 48, 2), (64.0, 48), (0, 48), "ab", None])
def test_what_is_no_size(sampler, image_size):
    with pytest.raises(InputError, match=r"is not a height and a width: give two positive integ"):
        sampler(image_size, 2)


def test_the_largest_size_can_be_raised(sampler, monkeypatch):
    with pytest.raises(InputError, match=r"4097x4096 has 16,781,312 pixels.*KDMRI_SIZE_FACTOR=2\."):
        sampler((4097, 4096), 4)
    monkeypatch.setenv("KDMRI_SIZE_FACTOR", "2")
    assert sampler((4097, 4096), 4).shape == (4097, 4096)
    for value in ("many", "0", "-1", "nan"):
        monkeypatch.setenv("KDMRI_SIZE_FACTOR", value)
        with pytest.raises(InputError, match=f"KDMRI_SIZE_FACTOR is '{value}', but must be a pos"):
            sampler((64, 64), 4)
