"""Prepares a data set once and reuses it from then on."""

import importlib
import logging
from collections.abc import Callable, Sequence
from functools import partial
from os import PathLike
from pathlib import Path
from typing import SupportsIndex

import tensorflow as tf
import tensorflow_datasets as tfds

from kdmri_tf.errors import InputError
from kdmri_tf.files import is_full_disk, printable
from kdmri_tf.progress import is_terminal
from kdmri_tf.sizes import image_size_of, number_of
from tfds_builders.beam.options import beam_flags
from tfds_builders.catalog import DATASETS
from tfds_builders.file_formats import check_file_format, format_of
from tfds_builders.prepared_folder import (
    alone,
    aside,
    clear_away,
    kept_until_replaced,
    take_back,
)
from tfds_builders.reuse import check_format, check_raw_files, earlier_versions, report_skipped
from tfds_builders.slice_config import config_name
from tfds_builders.sources import resolve_source
from tfds_builders.whole import DamagedDataError, check_whole

logger = logging.getLogger(__name__)

MOST_COILS = 256


def prepare(
    dataset: str,
    source: str = "auto",
    manual_dir: str | PathLike[str] | None = None,
    data_dir: str | PathLike[str] | None = None,
    image_size: Sequence[SupportsIndex] | None = None,
    rebuild: bool = False,
    skip_unreadable: bool = False,
    file_format: str | None = None,
    coils: int | None = None,
    num_workers: int | None = None,
    beam_pipeline_options: str | None = None,
) -> tfds.core.DatasetBuilder:
    """Returns the prepared builder of a data set; its `as_dataset` reads it.

    What is stored, and its size per slice, is logged once it is prepared.

    If several processes prepare the same data set, one does it and the others wait. What was
    prepared before is compared with its checksums.

    Args:
        dataset: "cardiac", "brain", "knee", "calgary" or "own".
        source: a source of the catalog, or "auto" (see `resolve_source`).
        manual_dir: folder with the raw files, `<dataset>/<source>/...`. An explicit source that
            was prepared before can be used without its raw files.
        data_dir: where TFDS keeps prepared data; None for its own default (`TFDS_DATA_DIR`, else
            `~/tensorflow_datasets`).
        image_size: (height, width) in pixels; None for that of the catalog.
        rebuild: prepare again; what was prepared before is kept until that is done.
        skip_unreadable: leave out raw files that cannot be read, instead of raising an error.
        file_format: "tfrecord", or "array_record" to read it with `as_data_source` as well; None
            for what it is prepared as, else "tfrecord".
        coils: None for magnitude images; else fully sampled k-space of so many coils, the feature
            `kspace`, float32 `(coils, H, W, 2)`, of a source with raw k-space (`kspace_sources` of
            the catalog). More coils are compressed to so many virtual ones.
        num_workers: how many processes of this computer read volumes side by side, by Apache Beam;
            None for this process alone. The files that they write are the same.
        beam_pipeline_options: for any other runner of Apache Beam, as `tfds build` has them,
            "runner=...,job_name=...". Its workers need the same folders and this package.

    Raises:
        InputError: an unknown name, `coils` of a source without k-space or with fewer of them,
            missing or unreadable raw files, raw files that changed since they were prepared (unless
            `rebuild`), prepared data that are damaged or in another format (unless `rebuild`), an
            empty split, or a bad `image_size`, `manual_dir`, `data_dir` or number of workers; or
            Apache Beam is needed and not installed.
    """
    check_file_format(file_format)
    options = beam_flags(num_workers, beam_pipeline_options)
    source = resolve_source(dataset, source, manual_dir, coils)
    size = None if image_size is None else image_size_of(image_size)
    number = None if coils is None else _checked_coils(dataset, source, coils)
    name = config_name(dataset, source, size, number)
    make = partial(_builder, dataset, name, data_dir, skip_unreadable)
    try:
        builder = make()
        folder = Path(builder.data_dir)
        if aside(folder).exists():  # by a rebuild that was stopped, or by one that is running
            with alone(folder):
                take_back(folder)
            builder = make()
        reuse = builder.is_prepared() and not rebuild
        if reuse:
            check_whole(builder)
            check_format(builder, file_format)
        elif builder.is_prepared() and file_format is None:
            file_format = format_of(builder)
    except DamagedDataError as error:
        if not rebuild:
            raise
        folder, reuse = error.folder, False
    if source != "synthetic":
        check_raw_files(dataset, source, manual_dir, builder if reuse else None, folder)
    if reuse:
        report_skipped(builder)
        return builder
    config = tfds.download.DownloadConfig(
        manual_dir=manual_dir, try_download_gcs=False, beam_options=options
    )
    if not _write(partial(make, file_format), folder, config, rebuild):
        # Another process has written it, unless it failed.
        return prepare(
            *(dataset, source, manual_dir, data_dir, image_size),
            skip_unreadable=skip_unreadable,
            file_format=file_format,
            coils=coils,
            num_workers=num_workers,
            beam_pipeline_options=beam_pipeline_options,
        )
    for earlier in earlier_versions(folder):
        logger.info("%s was prepared by an earlier version and can be deleted.", earlier)
    return make()


def _checked_coils(dataset: str, source: str, coils: SupportsIndex) -> int:
    """Returns a number of coils that a source can be asked for."""
    number = number_of("coils", coils, MOST_COILS)
    raw = DATASETS[dataset].kspace_sources
    if source not in raw:
        raise InputError(
            f"{dataset}/{source} has images, but no k-space of coils: choose a source that has "
            f"({', '.join(raw)}), or leave out the number of coils."
        )
    return number


def _write(
    make: Callable[[], tfds.core.DatasetBuilder],
    folder: Path,
    config: tfds.download.DownloadConfig,
    rebuild: bool,
) -> bool:
    """Writes the data set, or waits for another process that does; returns whether it wrote."""
    try:
        with alone(folder) as has_waited:
            if has_waited and not rebuild:
                return False
            clear_away(folder)
            with kept_until_replaced(folder):
                if not is_terminal():
                    tfds.disable_progress_bar()  # `SliceBuilder` writes a line now and then
                make().download_and_prepare(download_config=config)
    except (OSError, RuntimeError, tf.errors.OpError) as error:
        reason = _reason_of_writing(error)
        if reason is None:
            raise
        raise InputError(
            f"{folder} cannot be prepared ({reason}): choose a data directory that is writable and "
            "has room (--data-dir; in code data_dir)."
        ) from error
    return True


def _reason_of_writing(error: Exception) -> str | None:
    """Returns in a few words why a data set could not be written; None if it is something else."""
    if is_full_disk(error):
        return "no space left on device"
    return str(error) if isinstance(error, OSError) else None


def _builder(
    dataset: str,
    name: str,
    data_dir: str | PathLike[str] | None,
    skip_unreadable: bool,
    file_format: str | None = None,
) -> tfds.core.DatasetBuilder:
    """Returns a builder, prepared or not; its data directory exists then."""
    folder = None
    if data_dir is not None:
        folder = Path(data_dir).expanduser()
        if printable(str(folder)) != str(folder):
            raise InputError(
                f"The name of the data directory {printable(str(folder))} is not UTF-8, as "
                "TensorFlow needs it: choose another (--data-dir; in code data_dir)."
            )
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"Cannot create the data directory {folder} ({error.strerror}): choose a folder "
                "that is writable (--data-dir; in code data_dir)."
            ) from error
    builder_class = importlib.import_module(f"tfds_builders.{dataset}").Builder
    return builder_class(
        config=name, data_dir=folder, skip_unreadable=skip_unreadable, file_format=file_format
    )
