"""What turns a fully sampled image into the inputs of a network."""

import abc
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Self

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from kdmri_tf.physics.masks import true_acceleration

Baselines = Mapping[str, Callable[[tf.Tensor], tf.Tensor]]


class Degradation(abc.ABC):
    """Keeps some samples of an image's k-space and gives a network what is left.

    What data, networks and evaluation ask of it; `Undersampling` and `LowResolution` differ in
    which samples they keep and in whether a network is given k-space and mask or a blurred image.

    Attributes:
        input_specification: name -> `tf.TensorSpec` of a network's inputs: float32, batch, height
            and width free.
        measurement: the one of these inputs that depends on the image.
    """

    input_specification: ClassVar[dict[str, tf.TensorSpec]]
    measurement: ClassVar[str]

    @classmethod
    @abc.abstractmethod
    def example(cls, image_size: Sequence[int]) -> Self:
        """Returns a typical degradation for images of this size."""

    @property
    @abc.abstractmethod
    def label(self) -> str:
        """How much is lost, for tables and folders, such as "4x"."""

    @property
    @abc.abstractmethod
    def origin(self) -> str:
        """Which samples are kept, in words."""

    @property
    @abc.abstractmethod
    def baselines(self) -> Baselines:
        """What can be seen without a network; "zero-filled" comes first.

        Name -> function from images float32 `(batch, H, W, 1)` to images of the same shape.
        """

    @abc.abstractmethod
    def sampled(self, image_size: Sequence[int]) -> NDArray[np.float32]:
        """Returns which samples of k-space are kept: `(H, W)` of 0 and 1, unshifted.

        Raises:
            InputError: images of this size cannot be degraded this way.
        """

    @abc.abstractmethod
    def apply(self, image: tf.Tensor, **known: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns the inputs of a network, as `input_specification` has them.

        Args:
            image: float32 `(batch, H, W, 1)`, H and W known.
            known: inputs that exist already and need not be computed again.
        """

    def acceleration(self, image_size: Sequence[int]) -> float:
        """Returns all samples of k-space over those that are kept."""
        return true_acceleration(self.sampled(image_size))
