"""The files that slices are kept in: for tf.data, or for access to any slice at once."""

import importlib.util
from collections.abc import Iterable, Iterator
from os import PathLike
from typing import Any

import tensorflow as tf
import tensorflow_datasets as tfds
from tensorflow_datasets.core import writer

from kdmri_tf.errors import InputError

FILE_FORMATS = ("tfrecord", "array_record")  # the first is the default


def check_file_format(file_format: str | None) -> None:
    """Refuses a format that is unknown or cannot be read and written here.

    Raises:
        InputError: that is so.
    """
    if file_format is not None and file_format not in FILE_FORMATS:
        raise InputError(
            f"Unknown file format {file_format!r}: choose one of {', '.join(FILE_FORMATS)}."
        )
    if file_format == "array_record" and importlib.util.find_spec("array_record") is None:
        raise InputError(
            "The file format array_record needs a package that is not installed: run "
            'pip install "kdmri_tf[array_record]".'
        )


def format_of(builder: tfds.core.DatasetBuilder) -> str:
    """Returns the format of a prepared data set."""
    return builder.info.file_format.value


def dataset_of_source(
    builder: tfds.core.DatasetBuilder, split: str, decoders: Any = None
) -> tf.data.Dataset:
    """Returns the examples of a split that is prepared as array_record, in their order.

    TFDS itself reads this format as a `data_source` only.

    Args:
        builder: of the data set.
        split: as in TFDS, such as "train" or "train[:10%]".
        decoders: as in TFDS.
    """
    check_file_format("array_record")
    source = builder.as_data_source(split, decoders=decoders)

    def examples() -> Iterator[dict[str, Any]]:
        for index in range(len(source)):
            yield source[index]

    specification = builder.info.features.get_tensor_spec()
    dataset = tf.data.Dataset.from_generator(examples, output_signature=specification)
    return dataset.apply(tf.data.experimental.assert_cardinality(len(source)))


class FixedOrderWriter(writer.ExampleWriter):
    """Writes files that are the same to the bit whenever, and by whomever, they are written.

    TFDS leaves it to protobuf in which order the features of an example are stored, and that
    changes from process to process.
    """

    def write(
        self, path: str | PathLike[str], examples: Iterable[tuple[int, bytes]]
    ) -> list[Any] | None:
        """Writes (key, serialized example) to a file, the features in the order of their names."""
        ordered = (
            (key, tf.train.Example.FromString(record).SerializeToString(deterministic=True))
            for key, record in examples
        )
        return super().write(path, ordered)
