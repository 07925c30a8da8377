"""Where the volumes of each source lie on disk: the official raw layouts.

A finder only lists files; nothing is opened before a volume is read.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kdmri_tf.errors import InputError
from tfds_builders.raw_volume import Volume, volume_of_files
from tfds_builders.readers.any_volume import READERS, read_volume
from tfds_builders.readers.calgary_campinas import read_single_channel
from tfds_builders.readers.fastmri import read_fastmri
from tfds_builders.readers.hammernik import read_rawdata

Splits = dict[str, list[Volume]]

MRBRAINS18_SUBJECTS = ("1", "4", "5", "7", "14", "070", "148")
MRBRAINS13_SUBJECTS = ("1", "2", "3", "4", "5")
NUM_VALIDATION_SUBJECTS = 2
HAMMERNIK_PATIENTS = {"train": range(1, 11), "validation": range(11, 21)}
HAMMERNIK_SLICES = range(11, 31)


@dataclass(frozen=True)
class Layout:
    """The raw files of one source.

    Attributes:
        tree: the expected files, one a line, below the folder of the source.
        find: folder of the source -> split -> volumes in a fixed order; empty lists where the
            files are missing.
        places: split -> where its files should be, for error messages.
    """

    tree: str
    find: Callable[[Path], Splits]
    places: dict[str, str]


def find_acdc(root: Path) -> Splits:
    """List `patientNNN_frameFF.nii.gz`; the segmentations and 4-D series do not match."""

    def volumes(folder: Path) -> list[Volume]:
        return [
            volume_of_files(_stem(path), path.parent.name, {0: path}, read_volume)
            for path in sorted(folder.glob("patient*/*"))
            if re.fullmatch(r"patient\d+_frame\d+\.nii\.gz", path.name)
        ]

    return {"train": volumes(root / "training"), "validation": volumes(root / "testing")}


def find_mrbrains18(root: Path) -> Splits:
    """List the T1 images `training/<subject>/pre/reg_T1.nii.gz`."""
    return _subjects(
        {name: root / "training" / name / "pre/reg_T1.nii.gz" for name in MRBRAINS18_SUBJECTS}, root
    )


def find_mrbrains13(root: Path) -> Splits:
    """List the T1 images `TrainingData/<subject>/T1.nii`."""
    return _subjects(
        {name: root / "TrainingData" / name / "T1.nii" for name in MRBRAINS13_SUBJECTS}, root
    )


def _subjects(paths: dict[str, Path], root: Path) -> Splits:
    """Validate on the last subjects that are there, in the official order; train on the others."""
    volumes = [
        volume_of_files(f"subject{name}", name, {0: path}, read_volume)
        for name, path in paths.items()
        if path.is_file()
    ]
    if 0 < len(volumes) <= NUM_VALIDATION_SUBJECTS:
        raise InputError(
            f"Only {len(volumes)} of the {len(paths)} subjects are in {root}, but the last "
            f"{NUM_VALIDATION_SUBJECTS} are for validation: add at least one more."
        )
    return {
        "train": volumes[:-NUM_VALIDATION_SUBJECTS],
        "validation": volumes[-NUM_VALIDATION_SUBJECTS:],
    }


def find_hammernik(root: Path) -> Splits:
    """List slices 11 to 30 of each patient, as in the papers; all slices if there are none."""

    def volume(patient: int) -> Volume | None:
        files = {
            int(match[1]): path
            for path in (root / "coronal_pd" / str(patient)).glob("rawdata*.mat")
            if (match := re.fullmatch(r"rawdata(\d+)\.mat", path.name))
        }
        chosen = sorted(files.keys() & set(HAMMERNIK_SLICES)) or sorted(files)
        if not chosen:
            return None
        note = ""
        if chosen[0] not in HAMMERNIK_SLICES:
            note = (
                f"patient {patient} has none of the papers' slices {HAMMERNIK_SLICES[0]} to "
                f"{HAMMERNIK_SLICES[-1]}, so all {len(chosen)} are used"
            )
        selected = {index: files[index] for index in chosen}
        return volume_of_files(f"patient{patient:02d}", str(patient), selected, read_rawdata, note)

    return {
        split: [found for patient in patients if (found := volume(patient))]
        for split, patients in HAMMERNIK_PATIENTS.items()
    }


def find_fastmri(root: Path) -> Splits:
    """List the files of the single-coil knee set."""
    return {
        "train": _volume_files(root / "singlecoil_train", "*.h5", read_fastmri),
        "validation": _volume_files(root / "singlecoil_val", "*.h5", read_fastmri),
    }


def find_calgary_single_channel(root: Path) -> Splits:
    """List the single-channel volumes of the Calgary-Campinas set, `Raw-data/SC/...`."""
    return {
        "train": _volume_files(root / "Raw-data/SC/Train", "*.npy", read_single_channel),
        "validation": _volume_files(root / "Raw-data/SC/Val", "*.npy", read_single_channel),
    }


def _volume_files(folder: Path, pattern: str, read: Callable[[Path], np.ndarray]) -> list[Volume]:
    """List the files of a folder; each is a volume of a patient of its own."""
    return [
        volume_of_files(path.stem, path.stem, {0: path}, read)
        for path in sorted(folder.glob(pattern))
        if not path.name.startswith(".")
    ]


def find_folder(root: Path) -> Splits:
    """List the user's own volumes; a file is a patient."""

    def volumes(folder: Path) -> list[Volume]:
        return [
            volume_of_files(_stem(path), _stem(path), {0: path}, read)
            for path in sorted(folder.glob("*"))
            if not path.name.startswith(".")
            for suffix, read in READERS.items()
            if path.name.lower().endswith(suffix)
        ]

    return {"train": volumes(root / "train"), "validation": volumes(root / "validation")}


def _stem(path: Path) -> str:
    """Return the file name up to its (double) extension."""
    extension = next(suffix for suffix in READERS if path.name.lower().endswith(suffix))
    return path.name[: -len(extension)]


LAYOUTS = {
    "acdc": Layout(
        tree=(
            "training/patient001/patient001_frame01.nii.gz  (frames without _gt; _4d is not read)\n"
            "training/patient001/patient001_frame12.nii.gz\n"
            "training/...\n"
            "testing/patient101/patient101_frame01.nii.gz\n"
            "testing/..."
        ),
        find=find_acdc,
        places={"train": "training", "validation": "testing"},
    ),
    "mrbrains18": Layout(
        tree="\n".join(f"training/{name}/pre/reg_T1.nii.gz" for name in MRBRAINS18_SUBJECTS),
        find=find_mrbrains18,
        places={"train": "training", "validation": "training"},
    ),
    "mrbrains13": Layout(
        tree="\n".join(f"TrainingData/{name}/T1.nii" for name in MRBRAINS13_SUBJECTS),
        find=find_mrbrains13,
        places={"train": "TrainingData", "validation": "TrainingData"},
    ),
    "hammernik": Layout(
        tree=(
            "coronal_pd/1/rawdata11.mat ... rawdata30.mat  (patients 1 to 10: train)\n"
            "coronal_pd/...\n"
            "coronal_pd/11/rawdata11.mat ... rawdata30.mat  (patients 11 to 20: validation)\n"
            "coronal_pd/..."
        ),
        find=find_hammernik,
        places={
            "train": "coronal_pd/1 to coronal_pd/10",
            "validation": "coronal_pd/11 to coronal_pd/20",
        },
    ),
    "fastmri": Layout(
        tree=(
            "singlecoil_train/file1000001.h5\nsinglecoil_train/...\n"
            "singlecoil_val/file1000000.h5\nsinglecoil_val/..."
        ),
        find=find_fastmri,
        places={"train": "singlecoil_train", "validation": "singlecoil_val"},
    ),
    "sc": Layout(
        tree=(
            "Raw-data/SC/Train/<volume>.npy  (k-space of one volume a file)\n"
            "Raw-data/SC/Val/<volume>.npy"
        ),
        find=find_calgary_single_channel,
        places={"train": "Raw-data/SC/Train", "validation": "Raw-data/SC/Val"},
    ),
    "folder": Layout(
        tree=(
            f"train/<patient>{{{','.join(READERS)}}}  (one volume a file)\n"
            f"validation/<patient>{{{','.join(READERS)}}}"
        ),
        find=find_folder,
        places={"train": "train", "validation": "validation"},
    ),
}
