"""Masks are read from files, checked and measured; what cannot be a mask is refused."""

import numpy as np
import pytest

from kdmri_tf import InputError, load_mask
from kdmri_tf.physics.mask_choice import MaskChoice
from kdmri_tf.physics.masks import check_mask, true_acceleration
from kdmri_tf.physics.samplers import gaussian_mask


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
