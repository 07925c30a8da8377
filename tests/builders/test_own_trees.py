"""What is said of folders of the user's own: nested ones, segmentations, other projects."""

import numpy as np
import pytest
from raw_data import SIZE, touch, write_folder
from raw_formats import write_dicom

from kdmri_tf.errors import InputError
from tfds_builders.prepare import prepare
from tfds_builders.sources import find_volumes, resolve_source

NESTED = "train/sub-1, a folder without .dcm files: move its files up to train/"


@pytest.mark.parametrize("source", ["folder", "folder_kspace"])
def test_nested_folders_are_named(tmp_path, source):
    touch(tmp_path / "own" / source, "train/sub-1/anat/T2.nii.gz")
    with pytest.raises(
        InputError, match=rf"there is nothing to read in .*{source} \(found {NESTED}"
    ):
        find_volumes("own", source, tmp_path)


def test_with_auto(tmp_path):
    touch(tmp_path / "own/folder", "train/sub-1/anat/T2.nii.gz")
    with pytest.raises(InputError, match=NESTED):
        resolve_source("own", "auto", tmp_path)


def test_in_one_split(tmp_path):
    touch(tmp_path / "own/folder", "train/a.npy", "train/notes/b.txt", "validation/sub-2/T2.nii")
    with pytest.raises(InputError, match=r"validation \(found validation/sub-2, a folder without"):
        find_volumes("own", "folder", tmp_path)


def test_other_entries(tmp_path):
    touch(tmp_path / "own/folder", "train/scan.txt")
    with pytest.raises(InputError, match=r"found train/scan\.txt, which is no such file\)\. Expec"):
        find_volumes("own", "folder", tmp_path)
    series = tmp_path / "own/folder_kspace/train/series"
    series.mkdir(parents=True)
    write_dicom(series / "0.dcm", np.ones((6, 8), int), (0, 0, 0), "1.2.3")
    with pytest.raises(InputError, match=r"train/series, a folder of \.dcm files, which are imag"):
        find_volumes("own", "folder_kspace", tmp_path)


def test_segmentations_are_reported(tmp_path, rng, caplog):
    names = ["train_p1", "train_p1_seg", "train_p2", "train_p2-Mask", "train_p3_gt"]
    names += ["validation_p1_label", "validation_q", "validation_q.labels"]
    write_folder(tmp_path, "own", **{name: rng.random((1, 16, 12)) for name in names})
    prepare("own", "folder", tmp_path, tmp_path / "out", SIZE)
    (warning,) = (line.message for line in caplog.records if "segmentations" in line.message)
    assert warning == (
        "own/folder: read as images, though by their names they are segmentations of others: 3 "
        "(such as train/p1_seg). If they are, move them out of the folder."
    )


def test_another_projects_data_are_kept(tmp_path, rng):
    for project in ("one", "two"):
        names = "train_a", "validation_b"
        volumes = {name: rng.random((1, 16, 12)) for name in names}
        write_folder(tmp_path / project, "own", **volumes)
    prepare("own", "folder", tmp_path / "one", tmp_path / "out", SIZE)
    message = r"to prepare it again\. If it was prepared from the files of another project, choose"
    with pytest.raises(InputError, match=rf"{message} another data directory, .*\(--data-dir"):
        prepare("own", "folder", tmp_path / "two", tmp_path / "out", SIZE)
