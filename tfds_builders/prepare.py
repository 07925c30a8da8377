"""Prepare a data set once, and use what is prepared ever after."""

import contextlib
import importlib
import logging
import shutil
from collections.abc import Iterator
from os import PathLike
from pathlib import Path

import filelock
import tensorflow as tf
import tensorflow_datasets as tfds

from kdmri_tf.errors import InputError
from tfds_builders.fingerprint import describe_changes
from tfds_builders.layouts import Splits
from tfds_builders.slice_builder import config_name
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
    manual_dir: str | PathLike | None = None,
    data_dir: str | PathLike | None = None,
    image_size: tuple[int, int] | None = None,
    rebuild: bool = False,
    skip_unreadable: bool = False,
) -> tfds.core.DatasetBuilder:
    """Return the prepared builder of a data set; `as_dataset` reads it.

    Of several processes that prepare the same at the same time, one does and the others wait.

    Args:
        dataset: "cardiac", "brain", "knee" or "calgary".
        source: a source of the catalog, or "auto" (see `resolve_source`).
        manual_dir: folder with the raw files, `<dataset>/<source>/...`. An explicit source that
            was prepared before is used also when its raw files are gone.
        data_dir: where TFDS keeps prepared data; None for its own default (`TFDS_DATA_DIR`, else
            `~/tensorflow_datasets`).
        image_size: (height, width) in pixels; None for that of the catalog.
        rebuild: prepare anew; what was prepared before is kept until that is done.
        skip_unreadable: leave out raw files that cannot be read, instead of raising.

    Raises:
        InputError: an unknown name, missing or unreadable raw files, raw files that changed since
            they were prepared (unless `rebuild`), an empty split, or a bad `image_size`,
            `manual_dir` or `data_dir`.
    """
    source = resolve_source(dataset, source, manual_dir)
    name = config_name(dataset, source, _checked_size(image_size))
    builder = _builder(dataset, name, data_dir, skip_unreadable)
    folder = Path(builder.data_dir)
    if _aside(folder).exists():  # of a stopped rebuild, or one that another process is at
        with _alone(folder):
            _take_back(folder)
        builder = _builder(dataset, name, data_dir, skip_unreadable)
    reuse = builder.is_prepared() and not rebuild
    if source != "synthetic":
        if manual_dir is not None and has_raw_files(dataset, source, manual_dir):
            volumes = find_volumes(dataset, source, manual_dir)
            if reuse:
                _check_unchanged(builder, volumes, raw_folder(dataset, source, manual_dir))
        elif reuse:
            logger.info("No raw files of %s/%s: using %s.", dataset, name, builder.data_dir)
        else:
            earlier = "".join(
                f" {folder} is of an earlier version, whose metadata lack something: its raw files "
                "are needed once more."
                for folder in _earlier_versions(builder)
            )
            raise InputError(f"{missing_files(dataset, source, manual_dir)}{earlier}")
    if reuse:
        _report_skipped(builder)
        return builder
    config = tfds.download.DownloadConfig(manual_dir=manual_dir, try_download_gcs=False)
    try:
        with _alone(folder) as has_waited:
            is_done = has_waited and not rebuild
            if not is_done:
                with _kept_until_replaced(folder):
                    builder.download_and_prepare(download_config=config)
    except (OSError, RuntimeError, tf.errors.OpError) as error:
        reason = _reason_of_writing(error)
        if reason is None:
            raise
        raise InputError(
            f"{folder} cannot be prepared ({reason}): give a data directory that can be written "
            "and has room (--data-dir)."
        ) from error
    if is_done:  # by the process that was waited for, unless it failed
        return prepare(
            *(dataset, source, manual_dir, data_dir, image_size), skip_unreadable=skip_unreadable
        )
    for earlier in _earlier_versions(builder):
        logger.info("%s is of an earlier version and may be deleted.", earlier)
    return _builder(dataset, name, data_dir, skip_unreadable)


def _reason_of_writing(error: Exception) -> str | None:
    """Why a data set could not be written, in a few words; None where it is something else."""
    if "No space left on device" in str(error):  # TensorFlow's error, as a RuntimeError of TFDS
        return "no space left on device"
    return str(error) if isinstance(error, OSError) else None


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Keeps other processes from preparing the same folder; gives whether it waited for one."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(folder.parent.with_name(f"{folder.parent.name}.lock"))
    has_waited = False
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:
        logger.info("Waiting for another process, which prepares %s.", folder)
        lock.acquire()
        has_waited = True
    try:
        yield has_waited
    finally:
        lock.release()


def _earlier_versions(builder: tfds.core.DatasetBuilder) -> list[Path]:
    """Folders of the same data set as other versions of its builder have prepared it."""
    current = Path(builder.data_dir)
    prepared = sorted(path.parent for path in current.parent.glob("[0-9]*/dataset_info.json"))
    return [folder for folder in prepared if folder != current]


@contextlib.contextmanager
def _kept_until_replaced(folder: Path) -> Iterator[None]:
    """Puts a folder aside, and back if what is to replace it fails or is stopped."""
    if folder.exists():
        folder.rename(_aside(folder))
    try:
        yield
    finally:
        _take_back(folder)


def _take_back(folder: Path) -> bool:
    """Puts a folder back that was put aside, unless it was replaced; returns whether it did."""
    aside = _aside(folder)
    if not aside.exists():
        return False
    if folder.exists():
        shutil.rmtree(aside)
        return False
    aside.rename(folder)
    return True


def _aside(folder: Path) -> Path:
    return folder.with_name(f"before.{folder.name}")


def _builder(
    dataset: str, name: str, data_dir: str | PathLike | None, skip_unreadable: bool
) -> tfds.core.DatasetBuilder:
    if data_dir is not None:
        data_dir = Path(data_dir).expanduser()
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"The data directory {data_dir} cannot be made ({error.strerror}): "
                "give a folder that can be written."
            ) from error
    builder_class = importlib.import_module(f"tfds_builders.{dataset}").Builder
    return builder_class(config=name, data_dir=data_dir, skip_unreadable=skip_unreadable)


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
            f"{builder.data_dir} was prepared: {changes}. Use --rebuild-data (rebuild=True) to "
            "prepare it anew."
        )


def _report_skipped(builder: tfds.core.DatasetBuilder) -> None:
    skipped = builder.info.metadata["skipped_files"]
    if skipped:
        logger.warning(
            "%s was prepared without %d unreadable files, first: %s",
            builder.data_dir,
            len(skipped),
            skipped[0],
        )
