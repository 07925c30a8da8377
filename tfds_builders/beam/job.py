"""What workers have to know, and how they say that something went wrong.

A worker is any process that sees the same folders. It is given the folder of a job and a number,
and leaves what it makes in files of that folder, under their names once they are whole.
"""

import contextlib
import errno
import functools
import itertools
import json
import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf
import tensorflow_datasets as tfds
from tensorflow_datasets.core import naming
from tensorflow_datasets.core.utils import shard_utils

from kdmri_tf.errors import InputError
from kdmri_tf.files import is_full_disk, replacing
from tfds_builders.raw_volume import RawVolume
from tfds_builders.slice_reader import SliceReader

JOB = "job.pickle"
PARTS = "parts"
ERRORS = "errors"


@dataclass(frozen=True)
class Job:
    """Says what is to be prepared.

    Attributes:
        name: of the data set, for the progress.
        reader: makes the examples.
        features: encode them.
        splits: name -> volumes.
        raw_folder: what the names of raw files are relative to; None if there are none.
        templates: split -> names of the files to write.
        sharding: how many files a split gets.
        file_format: of these files.
    """

    name: str
    reader: SliceReader
    features: tfds.features.FeaturesDict
    splits: dict[str, list[RawVolume]]
    raw_folder: Path | None
    templates: dict[str, naming.ShardedFileTemplate]
    sharding: shard_utils.ShardConfig
    file_format: tfds.core.FileFormat

    @property
    def volumes(self) -> list[RawVolume]:
        """All volumes; their numbers count from 0."""
        return list(itertools.chain.from_iterable(self.splits.values()))

    def save(self, folder: Path) -> None:
        """Makes the folder and writes the job there."""
        for path in (folder, folder / PARTS, folder / ERRORS):
            path.mkdir()
        (folder / JOB).write_bytes(pickle.dumps(self))


@functools.lru_cache(maxsize=1)
def load_job(folder: str) -> Job:
    """Returns the job of a folder."""
    return pickle.loads(Path(folder, JOB).read_bytes())


@contextlib.contextmanager
def noting_errors(folder: Path, number: int) -> Iterator[None]:
    """Notes errors that can be told in a sentence; by Beam they would come with tracebacks.

    Args:
        folder: of the job.
        number: of the volume, or of the file that is written.
    """
    try:
        yield
    except InputError as error:
        note: dict[str, Any] = {"input": str(error)}
    except (OSError, tf.errors.OpError) as error:
        if is_full_disk(error):
            note = {"system": [errno.ENOSPC, "No space left on device"]}
        elif isinstance(error, OSError):
            note = {"system": [error.errno, error.strerror or str(error), error.filename]}
        else:
            raise
    else:
        return
    with replacing(_note(folder, number)) as place:
        place.write_text(json.dumps(note))


def raise_noted(folder: Path, number: int) -> None:
    """Raises what a worker noted, if it did: an InputError or an OSError."""
    try:
        note = json.loads(_note(folder, number).read_text())
    except FileNotFoundError:
        return
    if "input" in note:
        raise InputError(note["input"])
    raise OSError(*note["system"])


def _note(folder: Path, number: int) -> Path:
    return folder / ERRORS / f"{number}.json"
