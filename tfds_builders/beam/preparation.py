"""Prepares a data set by workers, of which this process collects what they make, in order."""

import hashlib
import os
import shutil
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from kdmri_tf.errors import InputError
from kdmri_tf.progress import follow
from tfds_builders.beam.job import Job, raise_noted
from tfds_builders.beam.parts import CONTENTS, Part, read_part
from tfds_builders.beam.process import PipelineProcess, pipeline_process
from tfds_builders.beam.shards import shard_lengths
from tfds_builders.file_formats import FILE_FORMATS
from tfds_builders.raw_volume import RawVolume
from tfds_builders.record import Record, SplitFacts

WORKSHOP = "workshop"
BLOCK = 2**20


def prepare_on_beam(
    job: Job, data_folder: Path, options: Any, record: Record
) -> list[tfds.core.SplitInfo]:
    """Writes the files and the metadata that the serial way writes.

    Args:
        job: what to prepare.
        data_folder: where a folder for the parts can be made meanwhile.
        options: of the pipeline, flags or `PipelineOptions`.
        record: takes the metadata.

    Raises:
        InputError: as in the serial way, for the first volume of which that is so; another file
            format; or a worker was killed.
        OSError: no room, or a folder that cannot be written to.
        RuntimeError: the pipeline failed otherwise.
    """
    file_format = job.file_format.value
    if file_format not in FILE_FORMATS:
        raise InputError(
            f"Workers write {' or '.join(FILE_FORMATS)}, not {file_format}: choose one of these "
            "file formats, or leave out Apache Beam."
        )
    folder = (data_folder / WORKSHOP).absolute()
    try:
        job.save(folder)
        with pipeline_process(folder, len(job.volumes), options) as pipeline:
            return _collect(job, folder, pipeline, record)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _collect(
    job: Job, folder: Path, pipeline: PipelineProcess, record: Record
) -> list[tfds.core.SplitInfo]:
    """Follows the parts in the order of the volumes and writes the metadata, then waits for all."""
    infos = []
    number = num_shards = 0
    for split, volumes in job.splits.items():
        facts = SplitFacts()
        sizes: list[int] = []
        for volume in follow(volumes, what=f"preparing {job.name}, {split}", unit="volume"):
            part = _wait_for(folder, number, volume, pipeline)
            _digest_and_remove(part.folder / CONTENTS, facts.digest)
            record.metadata["raw_files"].update(part.raw_files)
            record.add_volume(facts, volume, part.report)
            sizes += part.sizes
            number += 1
        record.end_split(split, facts)
        lengths = shard_lengths(job, sizes)
        num_shards += len(lengths)
        infos.append(
            tfds.core.SplitInfo(
                name=split,
                shard_lengths=lengths,
                num_bytes=sum(sizes),
                filename_template=job.templates[split],
            )
        )
    while pipeline.wait_a_moment():
        pass
    for shard in range(number, number + num_shards):
        raise_noted(folder, shard)
    return infos


def _wait_for(folder: Path, number: int, volume: RawVolume, pipeline: PipelineProcess) -> Part:
    """Returns a part as soon as it is there."""
    is_running = True
    while (part := read_part(folder, number)) is None:
        if not is_running:
            raise RuntimeError(f"Apache Beam left out {volume.name}.")
        is_running = pipeline.wait_a_moment()
    return part


def _digest_and_remove(path: Path, digest: "hashlib._Hash") -> None:
    """Adds a file to a digest, and makes room."""
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    os.remove(path)
