"""From a prepared data set to batches of degraded inputs and target images."""

import hashlib
import itertools
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from numpy.typing import NDArray

from kdmri_tf.data.augmentation import Variation
from kdmri_tf.data.passes import in_batches
from kdmri_tf.data.replica_batches import share_batches
from kdmri_tf.data.slice_outputs import SliceOutputs
from kdmri_tf.data.slices_in_memory import keep_in_memory
from kdmri_tf.errors import InputError
from kdmri_tf.physics.degradation import Degradation


@dataclass(frozen=True, eq=False, repr=False)
class MRIData:
    """Pairs a prepared data set with a degradation and makes batches of both.

    `load_data` and `load_super_resolution` make it. The first full pass over a split keeps it in
    memory, as long as this object lives: images with their undersampled k-space (or low resolution,
    or coil sensitivities) where they fit into 4 GiB and every pass needs the same; else the images,
    or raw k-space, alone where they do; else nothing.

    Attributes:
        builder: prepared TFDS builder with the splits "train" and "validation".
        degradation: what makes a network's inputs of an image.
        variation: what changes the training slices from pass to pass, or None.

    Example:
        >>> import tempfile
        >>> from kdmri_tf import load_data
        >>> with tempfile.TemporaryDirectory() as folder:  # doctest: +ELLIPSIS
        ...     data = load_data("brain", 2, source="synthetic", center_lines=4,
        ...                      image_size=(40, 32), data_dir=folder)
        ...     inputs, image = next(iter(data.batches("train", batch_size=4)))
        ...     name, volume = next(data.volumes("validation"))
        Downloading and preparing dataset ...
        >>> {name: tuple(value.shape) for name, value in inputs.items()}
        {'kspace': (4, 40, 32, 2), 'mask': (4, 40, 32)}
        >>> tuple(image.shape), volume.shape[1:]
        ((4, 40, 32, 1), (40, 32))
    """

    builder: tfds.core.DatasetBuilder
    degradation: Degradation
    variation: Variation | None = None

    def __repr__(self) -> str:
        height, width = self.image_size
        slices = ", ".join(f"{count} {split}" for split, count in self.num_slices.items())
        coils = "" if self.coils is None else f", {self.coils_label}"
        return (
            f"<MRIData {self.dataset} from {self.source}, {height}x{width}, {slices} slices, "
            f"{self.acceleration_label}{coils}>"
        )

    @property
    def dataset(self) -> str:
        """The name of the data set: "cardiac", "brain", "knee", "calgary" or "own"."""
        return self.builder.name

    @property
    def source(self) -> str:
        """Where the images come from, such as "acdc" or "synthetic"."""
        return self.builder.builder_config.source

    @property
    def image_size(self) -> tuple[int, int]:
        """(H, W) in pixels."""
        return self.builder.info.features[self._feature].shape[-3:-1]

    @property
    def complex_images(self) -> bool:
        """Whether images have a real and an imaginary part, those of scans, raw or simulated."""
        return self.degradation.complex_images

    @property
    def coils(self) -> int | None:
        """Number of coils of complex images; None of magnitude images."""
        return getattr(self.degradation, "coils", None)

    @property
    def coils_label(self) -> str:
        """The coils in words, such as "8 coils, simulated"; empty of magnitude images."""
        if self.coils is None:
            return ""
        plural = "" if self.coils == 1 else "s"
        return f"{self.coils} coil{plural}, {'raw' if self._feature == 'kspace' else 'simulated'}"

    @property
    def mask(self) -> NDArray[np.float32]:
        """The samples of k-space that are kept: float32 `(H, W)` of 0 and 1, unshifted."""
        return self.degradation.sampled(self.image_size)

    @property
    def mask_origin(self) -> str:
        """Where the mask comes from: sampler and seed, or file name."""
        return self.degradation.origin

    @property
    def acceleration(self) -> float:
        """True acceleration: all samples of k-space over those that are kept."""
        return self.degradation.acceleration(self.image_size)

    @property
    def acceleration_label(self) -> str:
        """The nominal acceleration as tables and folders show it, such as "4x"."""
        return self.degradation.label

    @property
    def is_fixed(self) -> bool:
        """Whether the training inputs are the same in every pass."""
        return self.variation is None

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the slices of both splits; tells apart data that a result must not mix."""
        splits = self.builder.info.metadata["splits"]
        digests = json.dumps({name: split["sha256"] for name, split in splits.items()})
        return hashlib.sha256(digests.encode()).hexdigest()

    @cached_property
    def num_slices(self) -> dict[str, int]:
        """Number of slices in each split."""
        return {name: split.num_examples for name, split in self.builder.info.splits.items()}

    def num_batches(self, split: str, batch_size: int, drop_remainder: bool = False) -> int:
        """Counts the batches of one pass over a split; the last may be smaller, or is dropped.

        Raises:
            InputError: an unknown split, or a batch size below 1.
        """
        self._check_split(split)
        if batch_size < 1:
            raise InputError(f"batch_size must be at least 1; got {batch_size}.")
        whole, rest = divmod(self.num_slices[split], batch_size)
        return whole + (rest > 0 and not drop_remainder)

    def batches(
        self,
        split: str,
        batch_size: int = 4,
        seed: int | None = None,
        first_epoch: int | None = None,
        teacher_outputs: SliceOutputs | None = None,
        drop_remainder: bool = False,
        strategy: tf.distribute.Strategy | None = None,
    ) -> tf.data.Dataset | tf.distribute.DistributedDataset:
        """Makes batches for `model.fit`: `(inputs, image)`.

        Inputs are {"kspace", "mask"} or {"low_resolution"}, float32 as `DCCNN` or `VDSR` takes
        them; the image is float32 `(batch, H, W, 1)`, fully sampled, each slice with maximum 1
        unless augmented. Complex images have {"kspace", "mask"} and, of several coils,
        "sensitivities", as `DCCNN(..., complex_images=True)` takes them; the image is then float32
        `(batch, H, W, 2)`, see `ComplexUndersampling`. Where the batch size divides the number of
        slices, all shapes are static.

        Args:
            split: "train" or "validation".
            batch_size: slices per batch.
            seed: None keeps the slices in order, volume by volume, as they are and under the one
                mask; a number shuffles and, in the training split, varies them, anew in every pass.
                A scan that is simulated is another one in every pass then, and otherwise the same
                of each slice. Without a seed, data with augmentation or random masks warns.
            first_epoch: with a seed, makes the data set endless; order and variation of its e-th
                pass depend on (seed, first_epoch + e) alone, so that a run resumed at an epoch sees
                what it would have seen. `fit` then needs
                `steps_per_epoch=data.num_batches(split, batch_size)`.
            teacher_outputs: what `cache_teacher` returned for this split, for a `Distiller`; joins
                the inputs under this name.
            drop_remainder: leaves out a last batch that is smaller than the others; shuffled, other
                slices in every pass. Replicas of a `tf.distribute` strategy that gets these batches
                as they are need it, as Keras needs even shares; with `strategy` they do not.
            strategy: whose replicas share every batch, see `share_batches`; the data set is then
                endless. Every worker undersamples its own part of a batch alone.

        Returns:
            `tf.data.Dataset`, prefetched; with a strategy, batches of each replica.

        Raises:
            InputError: an unknown split, a batch size below 1 or one that drops all, fewer slices a
                batch than replicas, or teacher outputs for other slices or another mask, or where
                the slices vary.
        """
        if not self.num_batches(split, batch_size, drop_remainder):
            raise InputError(
                f"The split {split!r} has {self.num_slices[split]} slices, fewer than one batch of "
                f"{batch_size}, and drop_remainder leaves none: choose a smaller batch size."
            )
        variation = self.variation if split == "train" and seed is not None else None
        if split == "train" and seed is None and self.variation is not None:
            self.variation.warn_of_no_seed()
        slices = self._slices[split]
        if teacher_outputs is not None:
            if variation is not None:
                raise InputError(
                    f"Cached teacher outputs cannot follow {variation}: leave out teacher_outputs."
                )
            teacher_outputs.check_data(self, split)
            slices = tf.data.Dataset.zip(slices, teacher_outputs.slices)
        slice_bytes = 4 * math.prod(self.builder.info.features[self._feature].shape)
        batched = in_batches(
            *(slices, batch_size, slice_bytes, seed, first_epoch, variation, drop_remainder)
        )
        if strategy is not None:
            endless = batched if seed is not None and first_epoch is not None else batched.repeat()
            return share_batches(endless, strategy, batch_size, finish=self._pair)
        pairs = batched.map(self._pair, num_parallel_calls=tf.data.AUTOTUNE)
        return pairs.prefetch(tf.data.AUTOTUNE)

    def volumes(
        self, split: str
    ) -> Iterator[tuple[str, NDArray[np.float32] | dict[str, NDArray[Any]]]]:
        """Yields (volume name, slices), one volume in memory at a time, as `evaluate` takes them.

        Slices are images, float32 `(slices, H, W)`. Of complex images they are a dictionary of
        `kspace`, float32 `(slices, coils, H, W, 2)`, raw and fully sampled; or, where a scan is
        simulated, of `image`, float32 `(slices, H, W, 1)`, and the `seed` of each.

        Raises:
            InputError: an unknown split.
        """
        self._check_split(split)
        examples = zip(self._read(split).as_numpy_iterator(), itertools.count())
        for name, group in itertools.groupby(examples, key=lambda pair: pair[0]["volume"]):
            slices = [self._slice(example, index) for example, index in group]
            stacked = {key: np.stack([part[key] for part in slices]) for key in slices[0]}
            images = stacked if self.complex_images else stacked["image"][..., 0]
            yield name.decode(), images

    def patients(self, split: str) -> dict[str, str]:
        """Returns volume name -> patient: ACDC has two volumes each, fastMRI all of a `patient_id`.

        Raises:
            InputError: an unknown split.
        """
        self._check_split(split)
        return dict(self.builder.info.metadata["splits"][split]["patients"])

    def _check_split(self, split: str) -> None:
        if split not in self.num_slices:
            raise InputError(
                f"There is no split {split!r}; choose one of {', '.join(self.num_slices)}."
            )

    def _read(self, split: str) -> tf.data.Dataset:
        return self.builder.as_dataset(split=split, shuffle_files=False)

    @property
    def _feature(self) -> str:
        """What slices are stored as: "image", or "kspace" of coils."""
        return "image" if "image" in self.builder.info.features else "kspace"

    def _slice(self, example: dict[str, Any], index: Any) -> dict[str, Any]:
        """Returns a slice as `Degradation.pair` takes them, without the batch axis.

        Where a scan is simulated it has the seed of the scan that it has outside training.
        """
        kept = {self._feature: example[self._feature]}
        if not self.complex_images or self._feature == "kspace":
            return kept
        seed = [index, 0]
        is_array = isinstance(kept["image"], np.ndarray)
        return {**kept, "seed": np.array(seed, np.int32) if is_array else tf.cast(seed, tf.int32)}

    @cached_property
    def _slices(self) -> dict[str, tf.data.Dataset]:
        """split -> data set of slices, alone or with their measurement, kept where it fits."""

        def of_split(split: str, count: int) -> tf.data.Dataset:
            slices = self._read(split).enumerate()
            slices = slices.map(
                lambda index, example: self._slice(example, index),
                num_parallel_calls=tf.data.AUTOTUNE,
            )
            is_fixed = self.is_fixed or split != "train"
            return keep_in_memory(slices, self.degradation, count, is_fixed)

        return {split: of_split(split, count) for split, count in self.num_slices.items()}

    def _pair(
        self, batch: dict[str, tf.Tensor], teacher_outputs: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], tf.Tensor]:
        """Makes (inputs, target) of a batch of slices."""
        inputs, target = self.degradation.pair(**batch)
        if teacher_outputs is not None:
            inputs = {**inputs, "teacher_outputs": teacher_outputs}
        return inputs, target
