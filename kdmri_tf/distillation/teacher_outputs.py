"""The outputs of a frozen teacher, which sees the same slices under one mask in every epoch."""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf

from kdmri_tf.data.mri_data import MRIData
from kdmri_tf.data.provenance import data_digest
from kdmri_tf.distillation.feature_loss import FeatureLoss, for_loss
from kdmri_tf.distillation.feature_matching import FeatureSelection
from kdmri_tf.distillation.image_check import image_and_features
from kdmri_tf.distillation.outputs_teacher import with_teacher
from kdmri_tf.errors import InputError
from kdmri_tf.networks.network import Network
from kdmri_tf.networks.saved import weights_digest
from kdmri_tf.progress import follow


@dataclass(frozen=True, eq=False)
class TeacherOutputs:
    """Holds what a teacher gave for one split.

    Attributes:
        slices: data set with one element per slice, in the order of the split: a dictionary of
            "image" and "described", or one of them, and of "teacher", see `with_teacher`.
        split: "train" or "validation".
        data_sha256: of the images and the mask that the teacher saw.
    """

    slices: tf.data.Dataset
    split: str
    data_sha256: str

    def check_data(self, data: MRIData, split: str) -> None:
        """Refuses to be paired with other slices.

        Raises:
            InputError: another split, other images or another mask.
        """
        if self.split != split:
            raise InputError(
                f"These teacher outputs belong to the split {self.split!r}, but the batches come "
                f"from {split!r}: pass what cache_teacher returned for {split!r}."
            )
        if self.data_sha256 != data_digest(data):
            raise InputError(
                "These teacher outputs were computed from other images or another mask than these "
                "batches have: call cache_teacher with this data."
            )


class OutputsToCome:
    """Prepares the outputs of a teacher; nothing is computed before it is asked for.

    Args:
        teacher: trained network.
        data: what it sees.
        feature_loss: keeps what this loss compares of the features.
        images: keeps the images.
        batch_size: slices that the teacher reconstructs at once.
        selection: what is compared of its features; None for all of them.

    Attributes:
        key: digest of all that the values depend on, 16 hexadecimal digits.
        num_bytes: size of the values of all splits.
    """

    def __init__(
        self,
        teacher: Network,
        data: MRIData,
        feature_loss: FeatureLoss | None,
        images: bool,
        batch_size: int,
        selection: FeatureSelection | None = None,
    ) -> None:
        self._data = data
        self._batch_size = batch_size
        inputs = _of_any_batch(data.batches("train", batch_size).element_spec[0])

        # As in `fit`, nothing is rewritten: AutoGraph would wrap an InputError in its own.
        @tf.function(input_signature=[inputs], autograph=False)
        def compute(inputs: dict[str, tf.Tensor]) -> dict[str, Any]:
            if feature_loss is None:
                return {"image": teacher(inputs, training=False)}
            output = teacher(inputs, return_features=True, training=False)
            image, features = image_and_features(output, "teacher")
            kept = {"image": image} if images else {}
            features = features if selection is None else selection(features)
            kept["described"] = tuple(feature_loss.describe(for_loss(features, feature_loss)))
            return kept

        self._compute = compute
        spec = _of_any_batch(compute.get_concrete_function().structured_outputs)
        self._weights = weights_digest(teacher)  # which a model may have only now
        self._spec = with_teacher(spec, self._weights)
        self.num_bytes = sum(data.num_slices.values()) * sum(
            spec.dtype.size * spec.shape[1:].num_elements() for spec in tf.nest.flatten(self._spec)
        )
        self.key = _digest(
            architecture={**teacher.get_config(), "name": None, "trainable": None, "frozen": None},
            weights=self._weights,
            data=data.fingerprint,
            image_size=data.image_size,
            mask=hashlib.sha256(data.mask.tobytes()).hexdigest(),
            images=bool(images),
            features=None if feature_loss is None else [*_describe(feature_loss), selection],
        )

    def cached(self, folder: Path | None = None) -> dict[str, TeacherOutputs]:
        """Returns split -> outputs that a first full pass computes, and later ones read.

        Args:
            folder: keeps them on disk; None keeps them in memory.
        """
        digest = data_digest(self._data)
        outputs = {}
        for split in self._data.num_slices:
            slices = self._computed(split).cache(
                "" if folder is None else os.fsencode(folder / split)
            )
            outputs[split] = TeacherOutputs(slices, split, digest)
        return outputs

    def computed(self, folder: Path | None = None) -> dict[str, TeacherOutputs]:
        """Returns the same after that first pass."""
        outputs = self.cached(folder)
        for split, of_split in outputs.items():
            total, what = self._data.num_slices[split], f"teacher on {split}"
            for _ in follow(of_split.slices, what=what, unit="slice", total=total):
                pass
        return outputs

    def _computed(self, split: str) -> tf.data.Dataset:
        def batches() -> Iterator[dict[str, Any]]:
            for inputs, _ in self._data.batches(split, self._batch_size):
                outputs = with_teacher(self._compute(inputs), self._weights)
                yield tf.nest.map_structure(lambda value: value.numpy(), outputs)

        # A generator, as a function mapped by tf.data would run the teacher on the CPU.
        slices = tf.data.Dataset.from_generator(batches, output_signature=self._spec).unbatch()
        # Keras warns where it cannot tell how long a data set is.
        num_slices = self._data.num_slices[split]
        return slices.apply(tf.data.experimental.assert_cardinality(num_slices))


def _of_any_batch(structure: Any) -> Any:
    """Returns the specification of tensors like these, but for the size of the batch."""
    return tf.nest.map_structure(
        lambda value: tf.TensorSpec((None, *value.shape[1:]), value.dtype), structure
    )


def _describe(feature_loss: FeatureLoss) -> list[Any]:
    """Returns its name and, where it is a Keras loss, its configuration."""
    return [type(feature_loss).__name__, getattr(feature_loss, "get_config", dict)()]


def _digest(**facts: Any) -> str:
    text = json.dumps(facts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
