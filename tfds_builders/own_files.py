"""The user's own volumes: files in `train/` and `validation/`, each of another patient."""

import warnings
from functools import partial
from pathlib import Path

from kdmri_tf.errors import InputError
from kdmri_tf.files import printable
from kdmri_tf.volumes.dicom_series import files_of_series
from tfds_builders.raw_volume import RawVolume, Splits, volume_of_files
from tfds_builders.readers.any_volume import (
    KSPACE_SUFFIXES,
    READERS,
    open_kspace,
    read_kspace,
    read_volume,
)


def find_folder(root: Path) -> Splits:
    """Lists files of images or k-space, and then folders of a DICOM series."""

    def volumes(folder: Path) -> list[RawVolume]:
        files = [
            volume_of_files(_stem(path), _stem(path), {0: path}, read_volume)
            for path in _files(folder, tuple(READERS))
        ]
        return [*files, *_series(folder)]

    return {"train": volumes(root / "train"), "validation": volumes(root / "validation")}


def find_folder_kspace(root: Path) -> Splits:
    """Lists files of k-space."""

    def volumes(folder: Path) -> list[RawVolume]:
        return [
            volume_of_files(
                _stem(path), _stem(path), {0: path}, read_kspace, open_kspace=open_kspace
            )
            for path in _files(folder, KSPACE_SUFFIXES)
        ]

    return {"train": volumes(root / "train"), "validation": volumes(root / "validation")}


def first_kspace(splits: Splits) -> Path | None:
    """Returns the first file of the first split if it holds k-space, else that of the next one.

    One file of a split tells what the others are, so that a large folder is not read twice.
    """
    for volumes in splits.values():
        files = (volume.files[0] for volume in volumes)
        candidates = (path for path in files if path.name.lower().endswith(KSPACE_SUFFIXES))
        if (path := next(candidates, None)) and _holds_kspace(path):
            return path
    return None


def unread_entries(root: Path, splits: Splits) -> list[Path]:
    """Lists what lies beside the volumes and no reader takes, such as a file of another suffix.

    Args:
        root: folder of the source.
        splits: the volumes that were found in it.
    """
    read = {file for volumes in splits.values() for volume in volumes for file in volume.files}
    read |= {file.parent for file in read}
    folders = [root / split for split in splits]
    entries = (entry for folder in folders if folder.is_dir() for entry in folder.iterdir())
    return sorted(entry for entry in entries if entry not in read and entry.name[0] != ".")


def what_is_unread(root: Path, splits: Splits) -> str:
    """Says what is there instead of the volumes of splits without any; empty if nothing is."""
    unread = unread_entries(root, splits)
    if not unread:
        return ""
    entry = unread[0]
    found = f"found {printable(str(entry.relative_to(root)))}"
    if not entry.is_dir():
        return f"{found}, which is no such file"
    if files_of_series(entry):
        return f"{found}, a folder of .dcm files, which are images"
    return (
        f"{found}, a folder without .dcm files: move its files up to "
        f"{printable(str(entry.parent.relative_to(root)))}/"
    )


def _holds_kspace(path: Path) -> bool:
    """Returns whether a file can be read and is k-space; what is odd about it its reader says."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with open_kspace(path):
                return True
        except InputError:
            return False


def _files(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    return [
        path
        for path in sorted(folder.glob("*"))
        if not path.name.startswith(".") and path.name.lower().endswith(suffixes)
    ]


def _series(folder: Path) -> list[RawVolume]:
    """Lists the folders that have `.dcm` files."""
    volumes = []
    for path in sorted(path for path in folder.glob("*") if path.is_dir()):
        files = tuple(files_of_series(path))
        if files:
            name = printable(path.name)
            volumes.append(RawVolume(name, name, {0: partial(read_volume, path)}, files))
    return volumes


def _stem(path: Path) -> str:
    """Returns the file name up to its (double) extension."""
    extension = next(suffix for suffix in READERS if path.name.lower().endswith(suffix))
    return path.name[: -len(extension)]
