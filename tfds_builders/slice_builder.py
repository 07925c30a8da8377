"""The TFDS builder that all data sets share: volumes to normalised slices."""

import dataclasses
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from tensorflow_datasets.core.utils.shard_utils import ShardConfig

from kdmri_tf.errors import in_one_line
from kdmri_tf.progress import follow, is_terminal
from tfds_builders.beam.job import Job
from tfds_builders.beam.options import options_of_config
from tfds_builders.beam.preparation import prepare_on_beam
from tfds_builders.catalog import DATASETS
from tfds_builders.file_formats import FixedOrderWriter, dataset_of_source, format_of
from tfds_builders.fingerprint import Fingerprint, fingerprint
from tfds_builders.kspace_slices import in_words
from tfds_builders.raw_volume import RawVolume, Splits
from tfds_builders.record import OWN_SOURCES, Record, SplitFacts
from tfds_builders.shared_scans import report_shared_scans
from tfds_builders.slice_config import LICENSES, SliceConfig, config_of_name
from tfds_builders.slice_features import slice_features
from tfds_builders.slice_reader import SliceReader, VolumeReport
from tfds_builders.sources import (
    find_volumes,
    raw_folder,
    report_segmentations,
    report_unread,
    with_patients,
)
from tfds_builders.synthetic import synthetic_volumes
from tfds_builders.whole import FILES, DamagedDataError, checksums, save_metadata

logger = logging.getLogger(__name__)

# TFDS sorts the examples of a split by 128-bit keys, and one larger than 1 GB in 1000 buckets of
# equal key ranges, each in memory. Keys 0, 1, 2, ... would all fall into the first bucket; these
# steps spread up to 2^20 slices over all of them.
KEY_STEP = 2**128 // 2**20


class SliceBuilder(
    tfds.core.GeneratorBasedBuilder,
    skip_registration=True,  # type: ignore[call-arg]  # TFDS has no types
):
    """Prepares fully sampled slices in (volume, slice) order, in which they are also read back.

    Every example is one slice: `image`, float32 `(H, W, 1)`, centre-cropped or zero-padded and
    divided by its own maximum, so in [0, 1]; `volume`, the name of its volume; `slice`, its index
    in that volume. A config of coils has `kspace` in place of `image`, see `slice_features`. Blank
    slices are left out. The metadata says what was read and what was not, and has for each split
    the SHA-256 of its images or k-space and the patient of every volume.

    Args:
        skip_unreadable: leave out files that cannot be read, instead of raising an InputError.
        **kwargs: those of `tfds.core.GeneratorBasedBuilder`.
    """

    HOMEPAGE: ClassVar[str]  # of the data set, or of the first of its sources
    HOMEPAGES: ClassVar[dict[str, str]] = {}  # of other sources

    def __init__(self, *, skip_unreadable: bool = False, **kwargs: Any) -> None:
        self._skip_unreadable = skip_unreadable
        try:
            super().__init__(**kwargs)
        except Exception as error:  # the libraries raise many unrelated types on a damaged file
            info = Path(getattr(self, "_data_dir", ""), "dataset_info.json")
            if not info.is_file():
                raise
            reason = f"or a file beside it cannot be read ({in_one_line(error)})"
            raise DamagedDataError(info, reason) from error

    def is_prepared(self) -> bool:
        """Returns whether the data set is prepared.

        TFDS takes the name of the folder for a pattern, so that it misses "a [1]" and takes "ab"
        for "a*".
        """
        folder = Path(self.data_dir)
        return all((folder / name).is_file() for name in ("dataset_info.json", "features.json"))

    def as_dataset(
        self,
        split: str | None = None,
        *,
        batch_size: int | None = None,
        shuffle_files: bool = False,
        decoders: Any = None,
        read_config: tfds.ReadConfig | None = None,
        as_supervised: bool = False,
    ) -> tf.data.Dataset:
        """Returns what TFDS does, also if the data set is prepared as array_record.

        These are always read in their order.
        """
        if format_of(self) != "array_record":
            return super().as_dataset(
                split=split,  # by name, as `tfds.testing.mock_data` takes it
                batch_size=batch_size,
                shuffle_files=shuffle_files,
                decoders=decoders,
                read_config=read_config,
                as_supervised=as_supervised,
            )
        splits = list(self.info.splits) if split is None else split

        def read(name: str) -> tf.data.Dataset:
            dataset = dataset_of_source(self, name, decoders)
            return dataset.batch(batch_size) if batch_size else dataset

        if isinstance(splits, str):
            return read(splits)
        return {name: read(name) for name in splits}

    @classmethod
    def get_builder_config(cls, name: str, version: str | None = None) -> SliceConfig | None:
        """Returns a config by name, of another size or of coils made from that of its source."""
        found = config_of_name(name)
        standard = None if found is None else super().get_builder_config(found[0], version)
        if found is None or standard is None:
            return None
        source, size, coils = found
        if coils is not None and source not in DATASETS[cls.name].kspace_sources:
            return None
        size = standard.image_size if size is None else size
        return dataclasses.replace(standard, name=name, image_size=size, coils=coils)

    def _info(self) -> tfds.core.DatasetInfo:
        config = self.builder_config
        homepage = self.HOMEPAGES.get(config.source, self.HOMEPAGE)
        terms = f"The terms of those who distribute the data: {homepage}"
        return self.dataset_info_from_configs(
            features=slice_features(config.image_size, Path(self.data_dir), config.coils),
            homepage=homepage,
            license=LICENSES.get(config.source, terms),
            disable_shuffling=True,  # keeps the order of the volumes and their slices
            metadata=tfds.core.MetadataDict(),
        )

    def _download_and_prepare(
        self,
        dl_manager: tfds.download.DownloadManager,
        download_config: tfds.download.DownloadConfig,
    ) -> None:
        """Writes all splits: volume by volume, or on Apache Beam if the configuration says so."""
        options = options_of_config(download_config)
        if options is None:
            super()._download_and_prepare(dl_manager, download_config)
            return
        splits, root = self._find_volumes(dl_manager)
        self._begin_metadata({})
        job = Job(
            name=self.name,
            reader=self._reader,
            features=self.info.features,
            splits=splits,
            raw_folder=root,
            templates={split: self._get_filename_template(split_name=split) for split in splits},
            sharding=download_config.get_shard_config() or ShardConfig(),
            file_format=self.info.file_format,
        )
        infos = prepare_on_beam(job, Path(self.data_dir), options, self._record)
        self._report_shared_scans(splits, root)
        self.info.set_splits(tfds.core.splits.SplitDict(infos))

    def _example_writer(self) -> FixedOrderWriter:
        """Writes the files (TFDS' hook for other writers)."""
        return FixedOrderWriter(self.info.file_format)

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        splits, root = self._find_volumes(dl_manager)
        self._begin_metadata({} if root is None else fingerprint(splits, root))
        self._report_shared_scans(splits, root)
        return {split: self._generate_examples(split, volumes) for split, volumes in splits.items()}

    def _find_volumes(
        self, dl_manager: tfds.download.DownloadManager
    ) -> tuple[Splits, Path | None]:
        """Returns the volumes of each split, and the folder of their files if they have any."""
        config = self.builder_config
        if config.source == "synthetic":
            return synthetic_volumes(self.name, config.image_size), None
        manual_dir = dl_manager.manual_dir
        root = raw_folder(self.name, config.source, manual_dir)
        splits = find_volumes(self.name, config.source, manual_dir)
        report_unread(splits, self.name, config.source, root)
        report_segmentations(splits, self.name, config.source)
        return with_patients(splits, self.name, config.source), root

    def _report_shared_scans(self, splits: Splits, root: Path | None) -> None:
        """Warns of scans of the user's own that are in both splits."""
        if root is not None and self.builder_config.source in OWN_SOURCES:
            report_shared_scans(self._full_name, splits, root, self.info.metadata["raw_files"])

    def _generate_examples(
        self, split: str, volumes: list[RawVolume]
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        reader, record = self._reader, self._record
        facts = SplitFacts()
        # In a terminal TFDS has bars of its own.
        what = f"preparing {self.name}, {split}"
        for volume in follow(volumes, what=what, unit="volume", is_shown=not is_terminal()):
            report = VolumeReport()
            for number, example in enumerate(reader.examples(volume, report), facts.slices):
                facts.digest.update(example[reader.feature].tobytes())
                yield number * KEY_STEP, example
            record.add_volume(facts, volume, report)
        record.end_split(split, facts)

    @property
    def _reader(self) -> SliceReader:
        """Reads the volumes."""
        config = self.builder_config
        return SliceReader(config.image_size, config.coils, self._skip_unreadable)

    def _begin_metadata(self, raw_files: Fingerprint) -> None:
        """Writes down what is known before a volume is read."""
        config = self.builder_config
        self.info.metadata.update(
            source=config.source,
            image_size=list(config.image_size),
            coils=config.coils,
            raw_files=raw_files,
            splits={},
            skipped_files=[],
            **({} if config.coils is None else {"kspace": {}}),
        )

    @property
    def _full_name(self) -> str:
        """Data set and config, as in `tfds.load`."""
        return f"{self.name}/{self.builder_config.name}"

    @property
    def _record(self) -> Record:
        """Writes the metadata."""
        return Record(self.info.metadata, self._full_name)

    @property
    def _skipped_files(self) -> list[str]:
        return self.info.metadata["skipped_files"]

    def _post_download_and_prepare_hook(self) -> None:
        """Keeps checksums, and logs a line on what was prepared (TFDS' hook for such things)."""
        self.info.metadata[FILES] = checksums(Path(self.data_dir))
        save_metadata(self)
        counts = "; ".join(
            f"{split}: {count['slices']} slices (volumes: {count['volumes']}, blank slices left "
            f"out: {count['blank_slices']})"
            for split, count in self.info.metadata["splits"].items()
        )
        logger.info(
            "Prepared %s. %s; unreadable files skipped: %d.",
            self._full_name,
            counts,
            len(self._skipped_files),
        )
        logger.info("%s.", self._stored())

    def _stored(self) -> str:
        """Says what a slice is stored as, and its size before any compression."""
        feature = next(iter(self.info.features.values()))
        size = f"float32 {feature.shape}, {4 * np.prod(feature.shape) / 1e6:.1f} MB a slice"
        if self.builder_config.coils is None:
            return f"Stored: magnitude images, {size}"
        return f"Stored: fully sampled k-space, {size}; {in_words(self.info.metadata['kspace'])}"
