"""What turns a fully sampled image into the inputs of a network."""

import abc
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Self

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from kdmri_tf.errors import InputError
from kdmri_tf.physics.masks import true_acceleration

Inputs = dict[str, tf.Tensor]
Baselines = Mapping[str, Callable[[Inputs, tf.Tensor], tf.Tensor]]


def check_images(image: tf.Tensor) -> None:
    """Refuses what cannot be magnitude images `(batch, H, W, 1)`, as far as the shape is known.

    Raises:
        InputError: other axes.
    """
    rank = image.shape.rank if isinstance(image, tf.Tensor) else np.ndim(image)
    if rank not in (None, 4) or (rank == 4 and image.shape[-1] not in (None, 1)):
        raise InputError(
            f"images must be (batch, H, W, 1); got shape {tuple(image.shape)}: add the axes that "
            "are missing (images[..., tf.newaxis]), and batch a data set before this."
        )


class Degradation(abc.ABC):
    """Keeps some samples of an image's k-space and gives a network what is left.

    What data, networks and evaluation ask of it; `Undersampling` and `LowResolution` differ in
    which samples they keep and in whether a network is given k-space and mask or a blurred image,
    and `ComplexUndersampling` in that its images are complex.

    Slices are dictionaries of tensors with a batch axis. All have an "image", float32 `(batch, H,
    W, 1)`, or what a subclass takes instead; whatever is known beside it is not computed again.

    Attributes:
        input_specification: name -> `tf.TensorSpec` of a network's inputs: float32, batch, height
            and width free.
        measurement: the one of these inputs that depends on the image.
        complex_images: whether images have a real and an imaginary part, `(batch, H, W, 2)`.
    """

    input_specification: ClassVar[dict[str, tf.TensorSpec]]
    measurement: ClassVar[str]
    complex_images: ClassVar[bool] = False

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

        Name -> function from a network's inputs and the target, `(batch, H, W, C)`, to images like
        the target.
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

    def pair(self, **slices: tf.Tensor) -> tuple[Inputs, tf.Tensor]:
        """Returns what a network is trained on: its inputs, and the target, `(batch, H, W, C)`.

        Args:
            slices: "image", and inputs that exist already.
        """
        return self.apply(**slices), slices["image"]

    def with_measurement(self, **slices: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns slices with what `pair` would compute of them again in every pass."""
        return {**slices, self.measurement: self.apply(**slices)[self.measurement]}

    def acceleration(self, image_size: Sequence[int]) -> float:
        """Returns all samples of k-space over those that are kept."""
        return true_acceleration(self.sampled(image_size))
