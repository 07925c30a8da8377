"""Cropping one's own volumes is reported; official sets have the size of their papers."""

import numpy as np
import pytest
import tensorflow_datasets as tfds
from raw_data import SIZE, centered_kspace, complex_images, write_folder

from tfds_builders.prepare import prepare

tfds.disable_progress_bar()


def test_of_own_volumes_is_reported(manual_dir, data_dir, caplog):
    large, small = np.ones((20, 12)), np.ones((10, 5))
    write_folder(manual_dir, "own", train_a=small, train_b=large, validation_c=2 * small)
    prepare("own", "folder", manual_dir, data_dir, SIZE)
    (warning,) = (line.message for line in caplog.records if "cropped" in line.message)
    assert warning == (
        "own/folder_16x12: cropped to 16x12, volumes of train: 1 of 2 (such as b, 20x12). "
        "Another size: --image-size H W; in code image_size."
    )


@pytest.mark.parametrize("coils", [None, 2])
def test_of_own_kspace_is_reported(manual_dir, data_dir, rng, caplog, coils):
    kspace = centered_kspace(complex_images(rng, (1, 2, 16, 14)))
    for scale, place in enumerate(("train/a", "validation/b"), 1):
        path = manual_dir / "own/folder_kspace" / f"{place}.npy"
        path.parent.mkdir(parents=True)
        np.save(path, scale * kspace)
    prepare("own", "folder_kspace", manual_dir, data_dir, SIZE, coils=coils)
    assert "volumes of train: 1 of 1 (such as a, 16x14)" in caplog.text
    assert "volumes of validation: 1 of 1 (such as b, 16x14)" in caplog.text


def test_of_what_fits_there_is_nothing_to_say(manual_dir, data_dir, caplog):
    write_folder(manual_dir, "own", train_a=np.ones((16, 12)), validation_b=np.ones((4, 4)))
    prepare("own", "folder", manual_dir, data_dir, SIZE)
    assert "cropped" not in caplog.text
