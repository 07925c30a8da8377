"""The files of a data set, made of the records of all volumes: the same that TFDS writes alone.

TFDS has a way of its own to write on Beam, which is not used: it cuts a split by the keys of its
examples instead of their number, so that larger data sets come out in other files, and Beam's local
runner would hold all examples in memory meanwhile.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tensorflow_datasets.core.utils import shard_utils

from kdmri_tf.errors import InputError
from kdmri_tf.files import replacing
from tfds_builders.beam.job import Job, load_job, noting_errors
from tfds_builders.beam.parts import RECORDS, Part, read_part
from tfds_builders.file_formats import FixedOrderWriter


@dataclass(frozen=True)
class Piece:
    """Describes records of one part: their file, the bytes before the first, and their sizes."""

    path: str
    offset: int
    sizes: list[int]


@dataclass(frozen=True)
class Shard:
    """Describes a file of the data set.

    Attributes:
        number: counts on from those of the volumes.
        path: of the file.
        pieces: what it consists of.
    """

    number: int
    path: str
    pieces: list[Piece]


def shard_lengths(job: Job, sizes: Sequence[int]) -> list[int]:
    """Returns how many records are in each file of a split.

    Args:
        job: with the wishes of the user, if any.
        sizes: bytes of each record of the split; at least one.
    """
    number = job.sharding.get_number_shards(sum(sizes), len(sizes))
    ends = shard_utils.get_shard_boundaries(len(sizes), number)
    return [end - first for first, end in itertools.pairwise([0, *ends])]


def plan_shards(folder: str, _: Iterable[None]) -> list[Shard]:
    """Returns the files to write; none if a volume could not be read or a split is empty.

    Args:
        folder: of the job.
        _: what Beam waits for: the parts.
    """
    job = load_job(folder)
    parts = _all_parts(Path(folder), len(job.volumes))
    remaining = iter(parts)
    shards: list[Shard] = []
    for split, volumes in job.splits.items():
        of_split = list(itertools.islice(remaining, len(volumes)))
        if not any(part.sizes for part in of_split):
            return []
        shards += _shards(job, split, of_split, first_number=len(parts) + len(shards))
    return shards


def write_shard(folder: str, shard: Shard) -> None:
    """Writes a file of the data set, or notes why it cannot."""
    job = load_job(folder)
    with noting_errors(Path(folder), shard.number), replacing(shard.path) as place:
        # Of (key, record); keys are not stored.
        FixedOrderWriter(job.file_format).write(place, enumerate(_records(shard.pieces)))


def _all_parts(folder: Path, number: int) -> list[Part]:
    """Returns the parts of all volumes; none if one of them is missing."""
    try:
        parts = [read_part(folder, index) for index in range(number)]
    except (InputError, OSError):
        return []
    found = [part for part in parts if part is not None]
    return found if len(found) == number else []


def _shards(job: Job, split: str, parts: list[Part], first_number: int) -> list[Shard]:
    """Distributes the records of a split over its files."""
    lengths = shard_lengths(job, [size for part in parts for size in part.sizes])
    shards = []
    begin = 0
    for index, length in enumerate(lengths):
        path = job.templates[split].sharded_filepath(shard_index=index, num_shards=len(lengths))
        pieces = list(_pieces(parts, begin, begin + length))
        shards.append(Shard(first_number + index, str(path), pieces))
        begin += length
    return shards


def _pieces(parts: list[Part], begin: int, end: int) -> Iterator[Piece]:
    """Yields the pieces of a range of records, counted over all parts."""
    for part in parts:
        first, last = max(begin, 0), min(end, len(part.sizes))
        if first < last:
            sizes = part.sizes[first:last]
            yield Piece(str(part.folder / RECORDS), sum(part.sizes[:first]), sizes)
        begin, end = begin - len(part.sizes), end - len(part.sizes)


def _records(pieces: list[Piece]) -> Iterator[bytes]:
    for piece in pieces:
        with open(piece.path, "rb") as file:
            file.seek(piece.offset)
            for size in piece.sizes:
                yield file.read(size)
