"""Raw k-space that cannot be reconstructed, and wishes that cannot be fulfilled."""

import numpy as np
import pytest
from scanner_file import kspace_of, mask_of, parts_of, write_volume
from stand_in import ComplexZeroFilling, ZeroFilling

from kdmri_tf import InputError


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"coils": 9}, "4 coils cannot be compressed to 9"),
        ({"sensitivities": "maps.npz"}, "There is no file maps.npz; give sensitivities as"),
        ({"scale": 4.0}, r"leave out --scale; --acc 4 undersamples"),
        ({"mask_seed": 3}, "are used as they are: leave out --mask-seed"),
    ],
)
def test_wishes_that_cannot_be_fulfilled_are_refused(undersampled, wishes, message):
    with pytest.raises(InputError, match=message):
        parts_of(undersampled, ComplexZeroFilling(), **wishes)


def test_a_mask_without_centre_is_refused(tmp_path):
    mask = mask_of(center_lines=0)
    mask[:, 1] = 0
    path = write_volume(tmp_path / "scan.h5", kspace_of() * np.fft.fftshift(mask))
    with pytest.raises(InputError, match="estimated from at least 8"):
        parts_of(path, ComplexZeroFilling())


def test_a_drawn_mask_leaves_too_few_lines_for_the_phase_of_one_coil(tmp_path):
    path = write_volume(tmp_path / "full.h5", kspace_of(1))
    with pytest.raises(
        InputError, match=r"measures 6 lines .* estimated from at least 8: draw a m"
    ):
        parts_of(path, ComplexZeroFilling(center_lines=24), acceleration=4)


def test_one_coil_has_its_phase_for_sensitivities(tmp_path):
    path = write_volume(tmp_path / "scan.h5", kspace_of(1) * np.fft.fftshift(mask_of()))
    with pytest.raises(InputError, match="one coil, whose sensitivity is the smooth phase of its"):
        parts_of(path, ComplexZeroFilling(), sensitivities="espirit")


@pytest.mark.parametrize("wish", [{"coils": 2}, {"sensitivities": "espirit"}, {"readout_rows": 9}])
def test_networks_of_magnitudes_take_no_wishes_about_coils(full, wish):
    with pytest.raises(InputError, match="magnitude images of one coil: leave out --"):
        parts_of(full, ZeroFilling(), acceleration=2, **wish)


def test_a_network_of_magnitudes_says_which_kind_several_coils_need(undersampled):
    with pytest.raises(InputError, match="has 4 coils, but this network reconstructs magnitude"):
        parts_of(undersampled, ZeroFilling())


def test_several_coils_with_nan_in_one_are_refused(tmp_path):
    kspace = kspace_of()
    kspace[0, 2, 5, 5] = np.nan
    path = write_volume(tmp_path / "scan.h5", kspace)
    with pytest.raises(InputError, match="NaN or infinity in slice 0 of coil 2"):
        parts_of(path, ComplexZeroFilling(), acceleration=2)
