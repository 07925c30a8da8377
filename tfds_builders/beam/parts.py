"""The records of one volume, as a worker leaves them."""

import dataclasses
import json
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

from tensorflow_datasets.core import example_serializer

from tfds_builders.beam.job import PARTS, Job, load_job, noting_errors, raise_noted
from tfds_builders.fingerprint import Fingerprint, fingerprint_of_volume
from tfds_builders.raw_volume import RawVolume
from tfds_builders.slice_reader import VolumeReport

RECORDS = "records"  # serialized examples, one after the other
CONTENTS = "contents"  # their images or k-space, for the digest of the split
FACTS = "facts.json"


@dataclass(frozen=True)
class Part:
    """Describes what a worker has made of a volume.

    Attributes:
        folder: where its files are.
        sizes: bytes of each record.
        report: as of the serial way.
        raw_files: the fingerprint of the files of the volume.
    """

    folder: Path
    sizes: list[int]
    report: VolumeReport
    raw_files: Fingerprint


def write_part(folder: str, number: int) -> None:
    """Reads a volume and writes its part, or notes why it cannot.

    Args:
        folder: of the job.
        number: of the volume.
    """
    job = load_job(folder)
    with noting_errors(Path(folder), number):
        _write(job, job.volumes[number], Path(folder, PARTS, str(number)))


def read_part(folder: Path, number: int) -> Part | None:
    """Returns a part; None if it is not there yet.

    Raises:
        InputError: the volume cannot be read, in the words of the serial way.
        OSError: the part cannot be written.
    """
    raise_noted(folder, number)
    place = folder / PARTS / str(number)
    if not place.exists():
        return None
    facts = json.loads((place / FACTS).read_text())
    return Part(place, facts["sizes"], VolumeReport(**facts["report"]), facts["raw_files"])


def _write(job: Job, volume: RawVolume, place: Path) -> None:
    """Writes a part with one slice in memory beside the volume."""
    raw_files: Fingerprint = {}
    if job.raw_folder is not None:
        raw_files = fingerprint_of_volume(volume, job.raw_folder)
    serializer = example_serializer.ExampleSerializer(job.features.get_serialized_info())
    report = VolumeReport()
    sizes = []
    # Not by `replacing`, which waits for the disk: a part is read once and removed.
    workplace = place.with_name(f"{place.name}-{uuid.uuid4().hex}")
    workplace.mkdir()
    try:
        with open(workplace / RECORDS, "wb") as records, open(workplace / CONTENTS, "wb") as arrays:
            for example in job.reader.examples(volume, report):
                arrays.write(example[job.reader.feature].tobytes())
                record = serializer.serialize_example(job.features.encode_example(example))
                records.write(record)
                sizes.append(len(record))
        facts = {"sizes": sizes, "report": dataclasses.asdict(report), "raw_files": raw_files}
        (workplace / FACTS).write_text(json.dumps(facts))
        _rename(workplace, place)
    finally:
        shutil.rmtree(workplace, ignore_errors=True)


def _rename(workplace: Path, place: Path) -> None:
    """Gives a part its name, unless another attempt of Beam at the same volume was faster."""
    try:
        workplace.rename(place)
    except OSError:
        if not place.exists():
            raise
