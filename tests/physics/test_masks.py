"""Masks are read from files, checked and measured; what cannot be a mask is refused."""

import numpy as np
import pytest
import tensorflow as tf

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


def test_warns_of_low_frequencies_in_the_centre(tmp_path):
    """Even if the zero frequency is measured by chance, as equispaced lines do."""
    centered = np.zeros((48, 64))
    centered[:, ::4] = centered[:, 28:36] = 1
    np.save(tmp_path / "mask.npy", centered)
    with pytest.warns(UserWarning, match=r"the highest frequencies without a gap, and the lowest,"):
        load_mask(tmp_path / "mask.npy", (48, 64))
    np.save(tmp_path / "mask.npy", np.fft.ifftshift(centered))
    load_mask(tmp_path / "mask.npy", (48, 64))
    for everything in (np.ones((48, 64)), np.ones((1, 64)), np.ones((2, 2))):
        np.save(tmp_path / "mask.npy", everything)
        load_mask(tmp_path / "mask.npy", np.broadcast_shapes(everything.shape, (1, 1)))


def test_half_an_archive_is_no_mask(tmp_path):
    np.savez(tmp_path / "mask.npz", mask=np.ones((8, 8)))
    path = tmp_path / "mask.npy"
    path.write_bytes((tmp_path / "mask.npz").read_bytes()[:60])
    with pytest.raises(
        InputError, match=r"mask file .*mask\.npy cannot be read \(it is no \.npy file\)"
    ):
        load_mask(path, (8, 8))


def test_load_mask_errors(tmp_path):
    path = tmp_path / "mask.npy"
    with pytest.raises(InputError, match=r"no mask file .*mask.npy; give a .npy file or one"):
        load_mask(path, (32, 32))
    path.write_bytes(b"no array")
    with pytest.raises(
        InputError, match=r"mask file .*mask\.npy cannot be read \(it is no \.npy file\)"
    ):
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


def write_npy(path, shape, descr="'<f4'", num_bytes=0):
    """A header, whatever it claims, and a sparse file behind it."""
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}".encode()
    header = header.ljust(117) + b"\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
        file.truncate(file.tell() + num_bytes)


@pytest.mark.parametrize("num_bytes", [0, 4 * 10**12])
def test_a_mask_that_claims_to_be_huge(tmp_path, num_bytes):
    """Its header has a few bytes; the file may have 4 TB of nothing."""
    write_npy(tmp_path / "mask.npy", (10**6, 10**6), num_bytes=num_bytes)
    message = "has 1,000,000,000,000 pixels, but an image may" if num_bytes else "ends before its"
    for read in (lambda path: load_mask(path, (10**6, 10**6)), lambda path: MaskChoice(path, 4)):
        with pytest.raises(InputError, match=f"mask file .*mask.npy.* {message}"):
            read(tmp_path / "mask.npy")


def test_masks_of_strange_types(tmp_path):
    for descr, shown in [("[('a', '<f4')]", r"\[\('a', '<f4'\)\]"), ("'<U1'", "<U1")]:
        write_npy(tmp_path / "mask.npy", (2, 2), descr, num_bytes=16)
        with pytest.raises(InputError, match=f"holds {shown} values instead of 0 and 1"):
            load_mask(tmp_path / "mask.npy", (2, 2))
    write_npy(tmp_path / "mask.npy", (2, 2), "'|O'", num_bytes=32)
    with pytest.raises(InputError, match="holds Python objects instead of numbers"):
        load_mask(tmp_path / "mask.npy", (2, 2))


@pytest.mark.parametrize("shape", ["(" * 90, "(8, 8", "(8, 'a')", "(8, -8)", f"({10**30}, 8)"])
def test_broken_headers(tmp_path, shape):
    write_npy(tmp_path / "mask.npy", shape, num_bytes=256)
    with pytest.raises(InputError, match=r"cannot be read \(its \.npy header is damaged\)"):
        load_mask(tmp_path / "mask.npy", (8, 8))


@pytest.mark.parametrize("make", [list, tuple, np.asarray, tf.constant, tf.Variable])
def test_whatever_makes_an_array_is_a_mask(make):
    given = make([[1, 0], [1, 0]])
    assert check_mask(given, (2, 2)).tolist() == [[1, 0], [1, 0]]
    mask, _ = MaskChoice(given, 2).masks_for((2, 2), 0, 0)
    assert mask.dtype == np.float32
    assert mask.tolist() == [[1, 0], [1, 0]]


def test_what_makes_no_array_is_no_mask():
    with pytest.raises(InputError, match="The mask makes no array: give the name of a sampler or"):
        MaskChoice([[1, 0], [1]], 2)
    with pytest.raises(InputError, match=r"mask array has shape \(\), but the images"):
        MaskChoice(4, 2).masks_for((2, 2), 0, 0)


@pytest.mark.parametrize(
    ("name", "acceleration"),
    [("cardiac_4x", 4.05), ("brain_5x", 5.0), ("knee_4x", 3.91), ("knee_8x", 7.36)],
)
def test_masks_of_the_papers(shared, name, acceleration):
    path = shared / "masks" / f"{name}.npy"
    mask = load_mask(path, np.load(path).shape)
    assert true_acceleration(mask) == pytest.approx(acceleration, abs=0.005)
