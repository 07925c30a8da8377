"""Masks of one value for each phase-encode line are repeated along the readout."""

import numpy as np
import pytest

from kdmri_tf import InputError, load_data, load_mask
from kdmri_tf.physics.line_masks import spread_lines
from kdmri_tf.physics.mask_choice import MaskChoice

ROWS = np.array([1, 0, 1, 0, 0, 1])
COLUMNS = np.array([1, 1, 0, 0])


@pytest.mark.parametrize("axis", [0, 1])
def test_the_side_with_as_many_lines_is_phase_encoded(axis):
    assert (spread_lines(ROWS, (6, 4), axis) == ROWS[:, None] * np.ones((6, 4))).all()
    assert (spread_lines(COLUMNS, (6, 4), axis) == COLUMNS * np.ones((6, 4))).all()


def test_in_a_square_image_the_axis_decides():
    assert (spread_lines(ROWS, (6, 6), 0) == ROWS[:, None] * np.ones((6, 6))).all()
    assert (spread_lines(ROWS, (6, 6), 1) == ROWS * np.ones((6, 6))).all()


@pytest.mark.parametrize("axis", [0, 1])
def test_a_mask_with_a_side_of_one_says_its_axis_itself(axis):
    assert (spread_lines(ROWS[:, None], (6, 6), axis) == ROWS[:, None] * np.ones((6, 6))).all()
    assert (spread_lines(ROWS[None], (6, 6), axis) == ROWS * np.ones((6, 6))).all()


@pytest.mark.parametrize("shape", [(1, 1), (4, 6), (1, 6, 4), (6, 2)])
def test_other_masks_are_left_as_they_are(shape):
    mask = np.ones(shape)
    assert spread_lines(mask, (6, 4), 0) is mask


def test_refusals(tmp_path):
    np.save(tmp_path / "lines.npy", ROWS)
    with pytest.raises(InputError, match=r"mask .*lines\.npy has 6 lines, but the images have 8 r"):
        load_mask(tmp_path / "lines.npy", (8, 4))
    with pytest.raises(InputError, match="phase-encode axis must be 0 or 1, not 2"):
        load_mask(tmp_path / "lines.npy", (6, 6), axis=2)
    np.save(tmp_path / "lines.npy", 2 * ROWS)
    with pytest.raises(InputError, match="may hold only 0"):
        load_mask(tmp_path / "lines.npy", (6, 6))


def test_load_mask_repeats_lines_of_a_file(tmp_path):
    np.save(tmp_path / "lines.npy", ROWS.astype(bool))
    mask = load_mask(tmp_path / "lines.npy", (6, 6), axis=1)
    assert mask.dtype == np.float32
    assert (mask == ROWS * np.ones((6, 6))).all()
    assert (load_mask(tmp_path / "lines.npy", (6, 6)) == mask.T).all()


def test_a_choice_of_lines_needs_an_axis_and_one_of_samples_does_not():
    assert MaskChoice(ROWS, 2).needs_axis
    assert MaskChoice("gaussian", 2).needs_axis
    assert not MaskChoice(np.ones((6, 6)), 1).needs_axis
    mask, drawn = MaskChoice(ROWS, 2).masks_for((6, 6), 0, 1)
    assert (mask == ROWS * np.ones((6, 6))).all()
    assert drawn is None


@pytest.mark.parametrize(("axis", "expected"), [(None, 0), (0, 0), (1, 1)])
def test_data_take_lines_along_their_usual_axis_or_the_one_that_is_named(tmp_path, axis, expected):
    lines = np.arange(32) % 2 == 0
    data = load_data(
        *("brain", 2),
        source="synthetic",
        mask=lines,
        phase_encode_axis=axis,
        image_size=(32, 32),
        data_dir=tmp_path,
    )
    assert (data.mask == np.moveaxis(np.tile(lines, (32, 1)), 1, expected)).all()


def test_an_axis_for_a_mask_of_two_axes_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"the mask array has two axes: leave it out"):
        load_data("brain", 2, mask=np.eye(32), phase_encode_axis=1, data_dir=tmp_path)
    with pytest.raises(InputError, match=r"you gave a mask \(array\): leave it out\."):
        load_data("brain", 2, mask=ROWS, center_lines=2, data_dir=tmp_path)


def test_numbers_of_lines_are_no_mask():
    with pytest.raises(InputError, match=r"1 for every line that was measured and 0 for the oth"):
        spread_lines(np.array([0, 3, 5]), (6, 6), 0)
