"""Whether a prepared data set is whole: every file is there, and as it was written."""

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from kdmri_tf.errors import InputError
from kdmri_tf.files import replacing

FILES = "prepared_files"  # in the metadata: name -> [bytes, CRC-32] of every other file
CHECKSUM = "metadata_crc32"  # in the metadata: of all else there
METADATA_FILE = "metadata.json"
OF_DATASETS = {"raw_files": dict, "splits": dict, "skipped_files": list}  # in the metadata at least
OF_SPLITS = {"slices": int, "patients": dict, "sha256": str}
BLOCK = 2**22
DIFFERS = "is not as it was written (its checksum differs)"

_found_whole: dict[Path, tuple[int, int]] = {}  # bytes and time in ns of files that were checked


class DamagedDataError(InputError):
    """Says which file of a prepared data set is damaged.

    Attributes:
        folder: of the data set.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"The prepared data are damaged: {path} {reason}. Use --rebuild-data (in code "
            "rebuild=True) to prepare them again."
        )
        self.folder = path.parent


def checksums(folder: Path) -> dict[str, list[int]]:
    """Returns name -> [bytes, CRC-32] of the files in a prepared folder, but for the metadata."""
    paths = sorted(path for path in folder.iterdir() if path.name != METADATA_FILE)
    return {path.name: [path.stat().st_size, _crc(path)] for path in paths}


def check_whole(builder: tfds.core.DatasetBuilder) -> None:
    """Compares the files of a prepared data set with what was written; once a process.

    Data sets of earlier versions have no checksums: their files are only looked for.

    Raises:
        DamagedDataError: a file is missing, damaged, or has lost its end.
    """
    folder = Path(builder.data_dir)
    _read(folder / "features.json")
    metadata = _read(folder / METADATA_FILE)
    recorded = {name: count["slices"] for name, count in metadata["splits"].items()}
    if recorded != {name: split.num_examples for name, split in builder.info.splits.items()}:
        raise DamagedDataError(
            folder / METADATA_FILE, "and dataset_info.json contradict each other"
        )
    for split in builder.info.splits.values():
        for path in map(Path, split.filepaths):
            if not path.is_file():
                raise DamagedDataError(path, "is missing")
    for name, (size, crc) in metadata.get(FILES, {}).items():
        _check_file(folder / name, size, crc)


def save_metadata(builder: tfds.core.DatasetBuilder) -> None:
    """Writes the metadata of a prepared data set, whole or not at all.

    Raises:
        OSError: from the file system; nothing has changed then.
    """
    metadata = dict(builder.info.metadata)
    with replacing(Path(builder.data_dir, METADATA_FILE)) as place:
        content = {**metadata, CHECKSUM: _crc_of_metadata(metadata)}
        place.write_text(json.dumps(content), encoding="utf-8")


def _read(path: Path) -> dict[str, Any]:
    """Returns what a JSON file says, and what metadata has at least."""
    if not path.is_file():
        raise DamagedDataError(path, "is missing")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DamagedDataError(path, f"cannot be read ({error})") from error
    if path.name == METADATA_FILE:
        _check_entries(content, OF_DATASETS, path)
        for split in content["splits"].values():
            _check_entries(split, OF_SPLITS, path)
        if content.get(CHECKSUM) not in (None, _crc_of_metadata(content)):
            raise DamagedDataError(path, DIFFERS)
    return content


def _crc_of_metadata(content: Mapping[str, Any]) -> int:
    others = {name: value for name, value in content.items() if name != CHECKSUM}
    return zlib.crc32(json.dumps(others, sort_keys=True).encode())


def _check_entries(content: Any, needed: Mapping[str, type], path: Path) -> None:
    for name, kind in needed.items():
        if not isinstance(content, dict) or not isinstance(content.get(name), kind):
            raise DamagedDataError(path, f"is incomplete: it has no {name!r}")


def _check_file(path: Path, size: int, crc: int) -> None:
    try:
        status = path.stat()
        seen = status.st_size, status.st_mtime_ns
        if _found_whole.get(path) == seen:
            return
        if status.st_size != size:
            raise DamagedDataError(path, f"has {status.st_size:,} bytes instead of {size:,}")
        if _crc(path) != crc:
            raise DamagedDataError(path, DIFFERS)
    except OSError as error:
        raise DamagedDataError(path, f"cannot be read ({error.strerror})") from error
    _found_whole[path] = seen


def _crc(path: Path) -> int:
    crc = 0
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            crc = zlib.crc32(block, crc)
    return crc
