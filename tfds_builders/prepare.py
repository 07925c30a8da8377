"""Prepares a data set once and reuses it from then on."""

import contextlib
import importlib
import logging
from os import PathLike
from pathlib import Path

import tensorflow as tf
import tensorflow_datasets as tfds

from kdmri_tf.errors import InputError
from tfds_builders.fingerprint import describe_changes
from tfds_builders.prepared_folder import alone, aside, kept_until_replaced, take_back
from tfds_builders.raw_volume import Splits
from tfds_builders.slice_config import config_name
from tfds_builders.sources import (
    find_volumes,
    has_raw_files,
    missing_files,
    raw_folder,
    resolve_source,
)

logger = logging.getLogger(__name__)


def prepare(
    dataset: str,
    source: str = "auto",
    manual_dir: str | PathLike[str] | None = None,
    data_dir: str | PathLike[str] | None = None,
    image_size: tuple[int, int] | None = None,
    rebuild: bool = False,
    skip_unreadable: bool = False,
) -> tfds.core.DatasetBuilder:
    """Returns the prepared builder of a data set; its `as_dataset` reads it.

    If several processes prepare the same data set, one does it and the others wait.

    Args:
        dataset: "cardiac", "brain", "knee" or "calgary".
        source: a source of the catalog, or "auto" (see `resolve_source`).
        manual_dir: folder with the raw files, `<dataset>/<source>/...`. An explicit source that
            was prepared before can be used without its raw files.
        data_dir: where TFDS keeps prepared data; None for its own default (`TFDS_DATA_DIR`, else
            `~/tensorflow_datasets`).
        image_size: (height, width) in pixels; None for that of the catalog.
        rebuild: prepare again; what was prepared before is kept until that is done.
        skip_unreadable: leave out raw files that cannot be read, instead of raising an error.

    Raises:
        InputError: an unknown name, missing or unreadable raw files, raw files that changed since
            they were prepared (unless `rebuild`), an empty split, or a bad `image_size`,
            `manual_dir` or `data_dir`.
    """
    source = resolve_source(dataset, source, manual_dir)
    name = config_name(dataset, source, _checked_size(image_size))
    builder = _builder(dataset, name, data_dir, skip_unreadable)
    folder = Path(builder.data_dir)
    if aside(folder).exists():  # by a rebuild that was stopped, or by one that is running
        with alone(folder):
            take_back(folder)
        builder = _builder(dataset, name, data_dir, skip_unreadable)
    reuse = builder.is_prepared() and not rebuild
    if source != "synthetic":
        _check_raw_files(builder, manual_dir, reuse)
    if reuse:
        _report_skipped(builder)
        return builder
    if not _write(builder, manual_dir, rebuild):  # another process has, unless it failed
        return prepare(
            *(dataset, source, manual_dir, data_dir, image_size), skip_unreadable=skip_unreadable
        )
    for earlier in _earlier_versions(builder):
        logger.info("%s was prepared by an earlier version and can be deleted.", earlier)
    return _builder(dataset, name, data_dir, skip_unreadable)


def _check_raw_files(
    builder: tfds.core.DatasetBuilder, manual_dir: str | PathLike[str] | None, reuse: bool
) -> None:
    """Raises an InputError if raw files are missing, or differ from those that were prepared."""
    dataset, config = builder.name, builder.builder_config
    if manual_dir is not None and has_raw_files(dataset, config.source, manual_dir):
        volumes = find_volumes(dataset, config.source, manual_dir)
        if reuse:
            _check_unchanged(builder, volumes, raw_folder(dataset, config.source, manual_dir))
    elif reuse:
        logger.info("No raw files of %s/%s: using %s.", dataset, config.name, builder.data_dir)
    else:
        outdated = "".join(
            f" {folder} was prepared by an earlier version, which recorded less: its raw files are "
            "needed once more."
            for folder in _earlier_versions(builder)
        )
        raise InputError(f"{missing_files(dataset, config.source, manual_dir)}{outdated}")


def _write(
    builder: tfds.core.DatasetBuilder, manual_dir: str | PathLike[str] | None, rebuild: bool
) -> bool:
    """Writes the data set, or waits for another process that does; returns whether it wrote."""
    folder = Path(builder.data_dir)
    config = tfds.download.DownloadConfig(manual_dir=manual_dir, try_download_gcs=False)
    try:
        with alone(folder) as has_waited:
            if has_waited and not rebuild:
                return False
            with kept_until_replaced(folder):
                builder.download_and_prepare(download_config=config)
    except (OSError, RuntimeError, tf.errors.OpError) as error:
        reason = _reason_of_writing(error)
        if reason is None:
            raise
        raise InputError(
            f"{folder} cannot be prepared ({reason}): choose a data directory that is writable and "
            "has room (--data-dir)."
        ) from error
    return True


def _reason_of_writing(error: Exception) -> str | None:
    """Returns in a few words why a data set could not be written; None if it is something else."""
    if "No space left on device" in str(error):  # TensorFlow's error, as a RuntimeError of TFDS
        return "no space left on device"
    return str(error) if isinstance(error, OSError) else None


def _earlier_versions(builder: tfds.core.DatasetBuilder) -> list[Path]:
    """Lists the folders of the same data set that other versions of its builder prepared."""
    current = Path(builder.data_dir)
    prepared = sorted(path.parent for path in current.parent.glob("[0-9]*/dataset_info.json"))
    return [folder for folder in prepared if folder != current]


def _builder(
    dataset: str, name: str, data_dir: str | PathLike[str] | None, skip_unreadable: bool
) -> tfds.core.DatasetBuilder:
    """Returns a builder, prepared or not; its data directory exists then."""
    folder = None
    if data_dir is not None:
        folder = Path(data_dir).expanduser()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"Cannot create the data directory {folder} ({error.strerror}): choose a folder "
                "that is writable (--data-dir)."
            ) from error
    builder_class = importlib.import_module(f"tfds_builders.{dataset}").Builder
    return builder_class(config=name, data_dir=folder, skip_unreadable=skip_unreadable)


def _checked_size(image_size: tuple[int, int] | None) -> tuple[int, int] | None:
    if image_size is None:
        return None
    size = tuple(image_size)
    if len(size) != 2 or not all(isinstance(side, int) and side > 0 for side in size):
        raise InputError(
            f"The image size {image_size} is not a height and a width: give two positive integers."
        )
    return size


def _check_unchanged(builder: tfds.core.DatasetBuilder, splits: Splits, root: Path) -> None:
    recorded = builder.info.metadata["raw_files"]
    before = dict(recorded)
    changes = describe_changes(recorded, splits, root)
    if recorded != before:
        # So that the contents are not compared again; a read-only folder may stay as it is.
        with contextlib.suppress(OSError):
            builder.info.metadata.save_metadata(builder.data_dir)
    if changes:
        raise InputError(
            f"The raw files of {builder.name}/{builder.builder_config.name} have changed since "
            f"{builder.data_dir} was prepared: {changes}. Use --rebuild-data (in code "
            "rebuild=True) to prepare it again."
        )


def _report_skipped(builder: tfds.core.DatasetBuilder) -> None:
    skipped = builder.info.metadata["skipped_files"]
    if skipped:
        logger.warning(
            "%s was prepared without its unreadable files (%d), the first: %s",
            builder.data_dir,
            len(skipped),
            skipped[0],
        )
