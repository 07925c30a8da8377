"""Which files belong to which split of each source, and which source is taken."""

import os
import subprocess
import sys

import pytest
from raw_data import touch

from kdmri_tf.errors import InputError
from tfds_builders.catalog import DATASETS
from tfds_builders.fingerprint import describe_changes, fingerprint
from tfds_builders.raw_volume import RawVolume
from tfds_builders.sources import (
    SyntheticDataWarning,
    expected_tree,
    find_volumes,
    manual_instructions,
    resolve_source,
)


def names_of(splits):
    return {split: [volume.name for volume in volumes] for split, volumes in splits.items()}


class TestLayouts:
    def test_acdc_takes_frames_only(self, tmp_path):
        touch(
            tmp_path / "cardiac/acdc",
            "training/patient002/Info.cfg",
            "training/patient002/patient002_4d.nii.gz",
            "training/patient002/patient002_frame12.nii.gz",
            "training/patient002/patient002_frame12_gt.nii.gz",
            "training/patient002/patient002_frame01.nii.gz",
            "training/patient002/._patient002_frame01.nii.gz",
            "training/patient001/patient001_frame01.nii.gz",
            "testing/patient101/patient101_frame01.nii.gz",
            "testing/patient101/patient101_frame01_gt.nii.gz",
        )
        splits = find_volumes("cardiac", "acdc", tmp_path)
        assert names_of(splits) == {
            "train": ["patient001_frame01", "patient002_frame01", "patient002_frame12"],
            "validation": ["patient101_frame01"],
        }
        assert [volume.patient for volume in splits["train"]] == [
            "patient001",
            "patient002",
            "patient002",
        ]

    @pytest.mark.parametrize(
        ("there", "train", "validation"),
        [
            (
                ["1", "4", "5", "7", "14", "070", "148"],
                ["1", "4", "5", "7", "14"],
                ["070", "148"],
            ),
            (["7", "5", "4", "1"], ["1", "4"], ["5", "7"]),
            (["148", "14", "99", "1"], ["1"], ["14", "148"]),
        ],
    )
    def test_mrbrains18_validates_on_the_last_two(self, tmp_path, there, train, validation):
        touch(tmp_path / "brain/mrbrains18/training", *(f"{n}/pre/reg_T1.nii.gz" for n in there))
        assert names_of(find_volumes("brain", "mrbrains18", tmp_path)) == {
            "train": [f"subject{name}" for name in train],
            "validation": [f"subject{name}" for name in validation],
        }

    def test_mrbrains13(self, tmp_path):
        touch(
            tmp_path / "brain/mrbrains13/TrainingData",
            *(f"{n}/{name}" for n in range(1, 6) for name in ("T1.nii", "T1_IR.nii")),
        )
        assert names_of(find_volumes("brain", "mrbrains13", tmp_path)) == {
            "train": ["subject1", "subject2", "subject3"],
            "validation": ["subject4", "subject5"],
        }

    @pytest.mark.parametrize("count", [1, 2])
    def test_mrbrains_needs_three_subjects(self, tmp_path, count):
        touch(
            tmp_path / "brain/mrbrains18/training",
            *(f"{n}/pre/reg_T1.nii.gz" for n in ["1", "4"][:count]),
        )
        with pytest.raises(InputError, match=f"Only {count} of the 7 subjects .*at least one more"):
            find_volumes("brain", "mrbrains18", tmp_path)

    def test_hammernik_takes_the_papers_slices(self, tmp_path):
        touch(
            tmp_path / "knee/hammernik/coronal_pd",
            *(f"{patient}/rawdata{k}.mat" for patient in (2, 10, 11) for k in range(9, 33)),
            "2/espirit11.mat",
            "21/rawdata11.mat",
        )
        splits = find_volumes("knee", "hammernik", tmp_path)
        assert names_of(splits) == {
            "train": ["patient02", "patient10"],
            "validation": ["patient11"],
        }
        for volume in splits["train"] + splits["validation"]:
            assert list(volume.readers) == list(range(11, 31))
            assert [path.name for path in volume.files] == [
                f"rawdata{k}.mat" for k in range(11, 31)
            ]
            assert volume.note == ""

    def test_hammernik_takes_all_slices_when_the_papers_are_missing(self, tmp_path):
        touch(
            tmp_path / "knee/hammernik/coronal_pd",
            *(f"{patient}/rawdata{k}.mat" for patient in (1, 20) for k in (2, 10, 1)),
        )
        (volume,) = find_volumes("knee", "hammernik", tmp_path)["train"]
        assert list(volume.readers) == [1, 2, 10]
        assert "none of the papers' slices 11 to 30, so all 3 are used" in volume.note

    def test_fastmri(self, tmp_path):
        touch(
            tmp_path / "knee/fastmri",
            "singlecoil_train/file2.h5",
            "singlecoil_train/file1.h5",
            "singlecoil_train/._file1.h5",
            "singlecoil_val/file3.h5",
            "singlecoil_test/file4.h5",
        )
        assert names_of(find_volumes("knee", "fastmri", tmp_path)) == {
            "train": ["file1", "file2"],
            "validation": ["file3"],
        }

    @pytest.mark.parametrize("dataset", DATASETS)
    def test_folder(self, tmp_path, dataset):
        touch(
            tmp_path / dataset / "folder",
            *(f"train/{name}" for name in ["a.nii", "b.NII.GZ", "c.npy", "d.h5", "e.txt", ".f.h5"]),
            "validation/a.b.nii.gz",
        )
        assert names_of(find_volumes(dataset, "folder", tmp_path)) == {
            "train": ["a", "b", "c", "d"],
            "validation": ["a.b"],
        }


class TestBadTrees:
    @pytest.mark.parametrize(
        ("dataset", "source"),
        [
            (dataset, source)
            for dataset, spec in DATASETS.items()
            for source in spec.sources
            if source != "synthetic"
        ],
    )
    def test_no_files_prints_the_tree_and_the_place(self, tmp_path, dataset, source):
        with pytest.raises(InputError) as error:
            find_volumes(dataset, source, tmp_path)
        assert str(tmp_path / dataset / source) in str(error.value)
        assert expected_tree(dataset, source) in str(error.value)
        assert expected_tree(dataset, source) in manual_instructions(dataset)

    def test_empty_split_names_the_folder(self, tmp_path):
        touch(tmp_path / "cardiac/acdc/training/patient001", "patient001_frame01.nii.gz")
        with pytest.raises(InputError, match=r"no validation volumes: .*acdc/testing\. Expected"):
            find_volumes("cardiac", "acdc", tmp_path)

    def test_patient_in_both_splits(self, tmp_path):
        touch(
            tmp_path / "cardiac/acdc",
            "training/patient001/patient001_frame01.nii.gz",
            "testing/patient001/patient001_frame12.nii.gz",
        )
        with pytest.raises(InputError, match="patient001 both for training and for validation"):
            find_volumes("cardiac", "acdc", tmp_path)

    def test_two_volumes_of_one_name(self, tmp_path):
        touch(tmp_path / "knee/folder", "train/a.npy", "train/a.h5", "validation/b.npy")
        with pytest.raises(InputError, match="two train volumes named a: rename one"):
            find_volumes("knee", "folder", tmp_path)


class TestResolveSource:
    def test_takes_the_first_real_source_that_is_there(self, tmp_path):
        touch(tmp_path / "knee/folder/train", "a.npy")
        assert resolve_source("knee", "auto", tmp_path) == "folder"
        touch(tmp_path / "knee/fastmri/singlecoil_val", "a.h5")
        assert resolve_source("knee", "auto", tmp_path) == "fastmri"
        touch(tmp_path / "knee/hammernik/coronal_pd/1", "rawdata11.mat")
        assert resolve_source("knee", "auto", tmp_path) == "hammernik"

    def test_falls_back_on_synthetic_with_a_loud_warning(self, tmp_path):
        with pytest.warns(SyntheticDataWarning, match="NO REAL DATA for brain") as record:
            assert resolve_source("brain", "auto", tmp_path) == "synthetic"
        assert str(tmp_path / "brain/mrbrains18") in str(record[0].message)
        with pytest.warns(SyntheticDataWarning, match=r"No manual directory was given"):
            assert resolve_source("brain", "auto", None) == "synthetic"

    def test_own_files_are_not_replaced_by_phantoms(self, tmp_path):
        with pytest.raises(InputError, match=r"own/folder needs raw files, but there is nothing"):
            resolve_source("own", "auto", tmp_path)
        with pytest.raises(InputError, match=r"own/folder needs raw files, but no manual direc"):
            resolve_source("own", "auto", None)
        assert resolve_source("own", "synthetic", None) == "synthetic"

    @pytest.mark.parametrize("source", ["acdc", "folder", "synthetic"])
    def test_explicit_source_is_taken_as_it_is(self, source):
        assert resolve_source("cardiac", source, None) == source

    def test_unknown_names_list_the_valid_ones(self):
        with pytest.raises(InputError, match="'liver': choose one of cardiac, brain, knee"):
            resolve_source("liver", "auto", None)
        with pytest.raises(InputError, match="'acdc' for brain: choose one of auto, mrbrains18"):
            resolve_source("brain", "acdc", None)

    def test_manual_dir_must_be_a_folder(self, tmp_path):
        touch(tmp_path, "file")
        for bad in (tmp_path / "nowhere", tmp_path / "file"):
            with pytest.raises(InputError, match=f"manual directory {bad} is not a folder"):
                resolve_source("brain", "auto", bad)

    def test_the_catalog_needs_no_tensorflow(self):
        code = "import sys, tfds_builders.catalog; sys.exit('tensorflow' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_changes_are_told_apart(tmp_path):
    def write(**contents):
        for name, content in contents.items():
            (tmp_path / name).write_text(content)
        files = sorted(tmp_path.iterdir())
        return {"train": [RawVolume(path.name, path.name, {}, (path,)) for path in files]}

    splits = write(a="1", b="1", c="1", d="1")
    before = fingerprint(splits, tmp_path)
    assert describe_changes(before, splits, tmp_path) == ""
    for name in ("a", "c"):
        os.utime(tmp_path / name, ns=(0, 0))
    assert describe_changes(before, splits, tmp_path) == ""
    (tmp_path / "d").unlink()
    splits = write(b="12", c="2", e="1")
    assert describe_changes(before, splits, tmp_path) == (
        "1 added (such as e), 1 removed (such as d), 2 modified (such as b)"
    )
