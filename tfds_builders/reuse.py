"""Whether a prepared data set can be used again: its format, and what its raw files are now."""

import contextlib
import logging
from os import PathLike
from pathlib import Path

import tensorflow_datasets as tfds

from kdmri_tf.errors import InputError
from tfds_builders.file_formats import format_of
from tfds_builders.fingerprint import describe_changes
from tfds_builders.raw_volume import Splits
from tfds_builders.record import OWN_SOURCES
from tfds_builders.sources import find_volumes, has_raw_files, missing_files, raw_folder
from tfds_builders.whole import save_metadata

logger = logging.getLogger(__name__)


def check_format(builder: tfds.core.DatasetBuilder, file_format: str | None) -> None:
    """Raises an InputError if a prepared data set is in another format than asked for."""
    found = format_of(builder)
    if file_format not in (None, found):
        raise InputError(
            f"{builder.data_dir} is prepared as {found}, not as {file_format}: choose another data "
            "directory, or use rebuild=True to prepare it again."
        )


def check_raw_files(
    dataset: str,
    source: str,
    manual_dir: str | PathLike[str] | None,
    prepared: tfds.core.DatasetBuilder | None,
    folder: Path,
) -> None:
    """Raises an InputError if raw files are missing, or differ from those that were prepared.

    Args:
        dataset: "cardiac", "brain", "knee", "calgary" or "own".
        source: one with raw files.
        manual_dir: as in `prepare`.
        prepared: the data set, if it is to be used again.
        folder: of the data set.
    """
    if manual_dir is not None and has_raw_files(dataset, source, manual_dir):
        volumes = find_volumes(dataset, source, manual_dir)
        if prepared is not None:
            _check_unchanged(prepared, volumes, raw_folder(dataset, source, manual_dir))
    elif prepared is not None:
        logger.info("No raw files of %s/%s: using %s.", dataset, folder.parent.name, folder)
    else:
        outdated = "".join(
            f" {earlier} was prepared by an earlier version, which recorded less: its raw files "
            "are needed once more."
            for earlier in earlier_versions(folder)
        )
        raise InputError(f"{missing_files(dataset, source, manual_dir)}{outdated}")


def earlier_versions(current: Path) -> list[Path]:
    """Lists the folders of the same data set that other versions of its builder prepared."""
    prepared = sorted(path.parent for path in current.parent.glob("[0-9]*/dataset_info.json"))
    return [folder for folder in prepared if folder != current]


def _check_unchanged(builder: tfds.core.DatasetBuilder, splits: Splits, root: Path) -> None:
    """Raises an InputError if raw files differ from those that were prepared."""
    recorded = builder.info.metadata["raw_files"]
    before = dict(recorded)
    changes = describe_changes(recorded, splits, root)
    if recorded != before:
        # So that the contents are not compared again; a read-only folder may stay as it is.
        with contextlib.suppress(OSError):
            save_metadata(builder)
    if changes:
        other_project = ""
        if builder.builder_config.source in OWN_SOURCES:
            other_project = (
                " If it was prepared from the files of another project, choose another data "
                "directory, which keeps both (--data-dir; in code data_dir)."
            )
        raise InputError(
            f"The raw files of {builder.name}/{builder.builder_config.name} have changed since "
            f"{builder.data_dir} was prepared: {changes}. Use --rebuild-data (in code "
            f"rebuild=True) to prepare it again.{other_project}"
        )


def report_skipped(builder: tfds.core.DatasetBuilder) -> None:
    """Logs which raw files a prepared data set does without."""
    skipped = builder.info.metadata["skipped_files"]
    if skipped:
        logger.warning(
            "%s was prepared without its unreadable files (%d), the first: %s",
            builder.data_dir,
            len(skipped),
            skipped[0],
        )
