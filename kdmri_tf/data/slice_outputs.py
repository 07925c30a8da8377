"""What a network gives for slices, kept to be compared with in training."""

from typing import Any, Protocol

import tensorflow as tf


class SliceOutputs(Protocol):
    """What a network gives for the slices of one split, such as the `TeacherOutputs` of a teacher.

    Attributes:
        slices: data set with one element per slice, in the order of the split.
    """

    @property
    def slices(self) -> tf.data.Dataset: ...

    def check_data(self, data: Any, split: str) -> None:
        """Refuses data, an `MRIData`, that these are not the outputs for."""
