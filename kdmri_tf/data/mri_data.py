"""From a prepared data set to batches of degraded inputs and target images."""

import hashlib
import itertools
import json
import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from kdmri_tf.data.augmentation import Variation
from kdmri_tf.errors import InputError
from kdmri_tf.physics.degradation import Degradation

# What is kept of a split in memory after its first pass: images with their k-space (12 bytes a
# pixel) or low resolution (8 bytes) if they fit, else images alone (4 bytes), else nothing, and it
# is read from disk in every pass.
MEMORY_BUDGET_BYTES = 4 * 2**30

# Images that are shuffled at once. What a cached teacher keeps on disk waits in the same buffer, so
# that this may take several times as much memory; the order must not depend on the cache.
SHUFFLE_BUFFER_BYTES = 2**30


@dataclass(frozen=True, eq=False)
class MRIData:
    """A prepared data set and how its images are degraded.

    Attributes:
        builder: prepared TFDS builder with the splits "train" and "validation".
        degradation: what makes a network's inputs of an image.
        variation: what changes the training slices from pass to pass, or None.

    The first full pass over a split keeps it in memory, as long as this object lives: images with
    their undersampled k-space (or low resolution) where they fit into 4 GiB and every pass needs
    the same; else the images alone where they do; else nothing.
    """

    builder: tfds.core.DatasetBuilder
    degradation: Degradation
    variation: Variation | None = None

    @property
    def dataset(self):
        """The name of the data set: "cardiac", "brain", "knee" or "calgary"."""
        return self.builder.name

    @property
    def source(self):
        """Where the images come from, such as "acdc" or "synthetic"."""
        return self.builder.builder_config.source

    @property
    def image_size(self):
        """(H, W) in pixels."""
        return self.builder.info.features["image"].shape[:2]

    @property
    def mask(self):
        """The samples of k-space that are kept: float32 `(H, W)` of 0 and 1, unshifted."""
        return self.degradation.sampled(self.image_size)

    @property
    def mask_origin(self):
        """Where the mask comes from: sampler and seed, or file name."""
        return self.degradation.origin

    @property
    def acceleration(self):
        """True acceleration: all samples of k-space over those that are kept."""
        return self.degradation.acceleration(self.image_size)

    @property
    def acceleration_label(self):
        """The nominal acceleration as tables and folders show it, such as "4x"."""
        return self.degradation.label

    @property
    def is_fixed(self):
        """Whether the training inputs are the same in every pass."""
        return self.variation is None

    @property
    def fingerprint(self):
        """SHA-256 over the images of both splits; tells apart data that a result must not mix."""
        splits = self.builder.info.metadata["splits"]
        digests = json.dumps({name: split["sha256"] for name, split in splits.items()})
        return hashlib.sha256(digests.encode()).hexdigest()

    @cached_property
    def num_slices(self):
        """Number of slices in each split."""
        return {name: split.num_examples for name, split in self.builder.info.splits.items()}

    def num_batches(self, split, batch_size):
        """Batches in one pass over a split; the last may be smaller."""
        return -(-self.num_slices[split] // batch_size)

    def batches(self, split, batch_size=4, seed=None, first_epoch=None, teacher=None):
        """Batches for `model.fit`: `({"kspace", "mask"}, image)` or `({"low_resolution"}, image)`.

        Inputs float32 as `DCCNN` or `VDSR` takes them; image float32 `(batch, H, W, 1)`, fully
        sampled, each slice with maximum 1 unless augmented.

        Where the batch size divides the number of slices, all shapes are static.

        Args:
            split: "train" or "validation".
            batch_size: slices a batch.
            seed: None keeps the slices in order, volume by volume, as they are and under the one
                mask; a number shuffles and, in the training split, varies them, anew in every pass.
            first_epoch: with a seed, makes the data set endless; order and variation of its e-th
                pass depend on (seed, first_epoch + e) alone: a run that is resumed at an epoch sees
                what it would have seen. `fit` then needs
                `steps_per_epoch=data.num_batches(split, batch_size)`.
            teacher: the `KeptTeacher` of this split; joins the inputs as "teacher".

        Returns:
            `tf.data.Dataset`, prefetched.

        Raises:
            InputError: an unknown split, a batch size below 1, or a kept teacher of other slices
                or another mask, or where the slices vary.
        """
        self._check_split(split)
        if batch_size < 1:
            raise InputError(f"batch_size must be at least 1; got {batch_size}.")
        variation = self.variation if split == "train" and seed is not None else None
        slices = self._slices[split]
        if teacher is not None:
            if variation is not None:
                raise InputError(f"A cached teacher does not follow {variation}; leave it out.")
            teacher.check_data(self, split)
            slices = tf.data.Dataset.zip(slices, teacher.slices)
        image_bytes = 4 * math.prod(self.image_size)
        buffer = min(self.num_slices[split], max(1, SHUFFLE_BUFFER_BYTES // image_bytes))
        divides = self.num_slices[split] % batch_size == 0

        def one_pass(seed, anew):
            shuffled = slices.shuffle(buffer, seed=seed, reshuffle_each_iteration=anew)
            if variation is not None:
                seeds = tf.data.Dataset.random(seed, rerandomize_each_iteration=anew).batch(2)
                shuffled = tf.data.Dataset.zip(shuffled, seeds).map(
                    self._vary, num_parallel_calls=tf.data.AUTOTUNE
                )
            return shuffled.batch(batch_size, drop_remainder=divides)

        def one_epoch(epoch):
            # Seeds the graph of this function alone; from 1, as TensorFlow trips over 0.
            tf.random.set_seed(seed + 1)
            return one_pass(epoch + 1, anew=False)

        if seed is None:
            batched = slices.batch(batch_size, drop_remainder=divides)
        elif first_epoch is None:
            batched = one_pass(seed, anew=True)
        else:
            batched = tf.data.Dataset.counter(first_epoch).flat_map(one_epoch)
        pairs = batched.map(self._pair, num_parallel_calls=tf.data.AUTOTUNE)
        return pairs.prefetch(tf.data.AUTOTUNE)

    def volumes(self, split):
        """Yields (volume name, images float32 `(slices, H, W)`), one volume in memory at a time."""
        self._check_split(split)
        examples = self._read(split).as_numpy_iterator()
        for name, group in itertools.groupby(examples, key=lambda example: example["volume"]):
            yield name.decode(), np.stack([example["image"][..., 0] for example in group])

    def patients(self, split):
        """Volume name -> whose it is: ACDC has two volumes of each patient; a file is one else."""
        self._check_split(split)
        return dict(self.builder.info.metadata["splits"][split]["patients"])

    def _check_split(self, split):
        if split not in self.num_slices:
            raise InputError(
                f"There is no split {split!r}; choose one of {', '.join(self.num_slices)}."
            )

    def _read(self, split):
        return self.builder.as_dataset(split=split, shuffle_files=False)

    @cached_property
    def _slices(self):
        """split -> data set of slices, {"image"} or with its measurement, kept where it fits."""
        return {split: self._keep(split) for split in self.num_slices}

    def _keep(self, split):
        images = self._read(split).map(
            lambda example: {"image": example["image"]}, num_parallel_calls=tf.data.AUTOTUNE
        )
        image_bytes = 4 * math.prod(self.image_size) * self.num_slices[split]
        measurement = self.degradation.input_specification[self.degradation.measurement]
        values = 1 + measurement.shape[-1]
        if values * image_bytes <= MEMORY_BUDGET_BYTES and (self.is_fixed or split != "train"):
            return images.map(self._measure, num_parallel_calls=tf.data.AUTOTUNE).cache()
        return images.cache() if image_bytes <= MEMORY_BUDGET_BYTES else images

    def _measure(self, example):
        name = self.degradation.measurement
        inputs = self.degradation.apply(example["image"][tf.newaxis])
        return {**example, name: inputs[name][0]}

    def _vary(self, example, seed):
        return self.variation(example["image"], tf.cast(seed, tf.int32))

    def _pair(self, batch, teacher=None):
        """(inputs, image) of a batch of slices."""
        inputs = self.degradation.apply(**batch)
        return (inputs if teacher is None else {**inputs, "teacher": teacher}), batch["image"]
