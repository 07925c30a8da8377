"""What all losses of features share, and what they refuse to compare."""

from collections.abc import Callable, Sequence

import keras
import tensorflow as tf
from keras import ops

from kdmri_tf.compute.replicas import whole_batch
from kdmri_tf.errors import InputError
from kdmri_tf.networks.network import Network
from kdmri_tf.physics.real_numbers import check_real

Loss = Callable[[Sequence[tf.Tensor], Sequence[tf.Tensor]], tf.Tensor]  # a `FeatureLoss` or another


class FeatureLoss(keras.losses.Loss):
    """Compares the features of a teacher and a student; one class per method.

    Every loss is called as `loss(teacher_features, student_features)` with two lists, one
    activation `(batch, H, W, channels)` a cascade, and returns a float32 scalar:
    `compare(describe(teacher_features), describe(student_features))`. In the formulas of the
    methods A_j is the activation of cascade j, S and T stand for student and teacher, vec makes one
    vector of each sample, and a mean is over everything that is not summed.

    Raises:
        InputError: the lists have different lengths, or a pair does not fit the method.

    Attributes:
        is_compact: whether a description takes far less room than the features, so that reading
            back that of a teacher costs less than computing it again.
        smallest_batch: fewest slices that the method can compare. Where it is above 1, slices are
            compared with each other, those that other replicas hold of a batch as well.
        fewest_cascades: fewest features that it can compare.
        needs_equal_channels: whether it compares channel by channel.
        needs_one_grid: whether it compares features of one network with each other, which must then
            have one height and width.
        takes_any_dtype: whether `describe` and `compare` take activations of any floating dtype
            and give a float32 scalar; for others a `Distiller` casts activations to float32.

    Example:
        A method of one's own, for `Distiller.compile`:

        >>> import numpy as np
        >>> from kdmri_tf import FeatureLoss
        >>> class ChannelMeans(FeatureLoss):
        ...     is_compact = True
        ...     def describe(self, features):
        ...         return [ops.mean(feature, axis=(1, 2)) for feature in features]
        ...     def compare(self, teacher, student):
        ...         pairs = zip(teacher, student, strict=True)
        ...         return ops.mean(ops.stack([ops.mean(ops.abs(t - s)) for t, s in pairs]))
        >>> teacher, student = [np.ones((2, 8, 8, 4), "f")], [np.zeros((2, 8, 8, 4), "f")]
        >>> float(ChannelMeans()(teacher, student))
        1.0
    """

    is_compact = False
    smallest_batch = 1
    fewest_cascades = 1
    needs_equal_channels = True
    needs_one_grid = False
    takes_any_dtype = False

    def __call__(
        self,
        teacher_features: Sequence[tf.Tensor],
        student_features: Sequence[tf.Tensor],
        sample_weight: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Returns the loss of two lists of activations, as any Keras loss is called.

        Raises:
            InputError: the method cannot compare them, or they are complex; or weights are given:
                the loss is one number for a batch.
        """
        if sample_weight is not None:
            raise InputError(
                f"{type(self).__name__} gives one number for a batch, which sample weights cannot "
                "weigh; leave them out."
            )
        for feature in (*teacher_features, *student_features):
            check_real(feature, "An activation")
        return super().__call__(teacher_features, student_features)

    def call(
        self, teacher_features: Sequence[tf.Tensor], student_features: Sequence[tf.Tensor]
    ) -> tf.Tensor:
        """Returns the loss of two lists of activations.

        Raises:
            InputError: the method cannot compare them.
        """
        check_features(teacher_features, student_features, self)
        return self.compare_batch(self.describe(teacher_features), self.describe(student_features))

    def check_networks(self, teacher: Network, student: Network, batch_size: int) -> None:
        """Refuses networks and batches that the method cannot compare, before they are trained.

        Raises:
            InputError: numbers of filters that differ, where channels are compared; too few
                cascades or slices.
        """
        name = type(self).__name__
        if self.needs_equal_channels and teacher.filters != student.filters:
            raise InputError(
                f"{name} compares channel by channel, but the teacher has {teacher.filters} "
                f"filters and the student {student.filters}; choose at or sp, which can compare "
                "these."
            )
        if min(len(party.feature_factors) for party in (teacher, student)) < self.fewest_cascades:
            raise InputError(
                f"{name} needs {self.fewest_cascades} cascades or more, but the teacher is a "
                f"{teacher.architecture} and the student a {student.architecture}; choose another "
                "method."
            )
        if batch_size < self.smallest_batch:
            raise InputError(
                f"{name} compares the slices of a batch with each other, so it needs at least "
                f"{self.smallest_batch}; the batch size is {batch_size} (--batch-size; in code "
                "batch_size)."
            )

    def describe(self, features: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Returns the tensors that are compared, the batch as first axis, each slice on its own.

        Args:
            features: activation of every cascade, `(batch, H, W, channels)`.
        """
        return list(features)

    def compare_batch(
        self, teacher: Sequence[tf.Tensor], student: Sequence[tf.Tensor]
    ) -> tf.Tensor:
        """Computes the loss of a batch from two lists that `describe` returned.

        Where replicas share the batch and slices are compared with each other, each of them
        compares all: the mean over replicas is the loss of one process.
        """
        if self.smallest_batch > 1:
            teacher, student = whole_batch(teacher), whole_batch(student)
        return self.compare(teacher, student)

    def compare(self, teacher: Sequence[tf.Tensor], student: Sequence[tf.Tensor]) -> tf.Tensor:
        """Computes the loss, a float32 scalar, of two lists that `describe` returned."""
        raise NotImplementedError


def takes_any_dtype(loss: Loss) -> bool:
    """Returns whether features need not be cast to float32 for this loss, ours or another."""
    return getattr(loss, "takes_any_dtype", False)


def for_loss(features: Sequence[tf.Tensor], loss: Loss) -> list[tf.Tensor]:
    """Returns the features in a dtype that the loss takes."""
    if takes_any_dtype(loss):
        return list(features)
    return [ops.cast(feature, "float32") for feature in features]


def check_features(
    teacher_features: Sequence[tf.Tensor],
    student_features: Sequence[tf.Tensor],
    loss: FeatureLoss,
) -> None:
    """Refuses lists of features that a loss cannot compare pair by pair.

    Raises:
        InputError: other numbers of features, too few of them, or shapes that differ.
    """
    if len(teacher_features) != len(student_features):
        raise InputError(
            f"The teacher gives {len(teacher_features)} features and the student "
            f"{len(student_features)}; feature distillation needs equally many cascades in both."
        )
    if len(teacher_features) < loss.fewest_cascades:
        raise InputError(
            f"{type(loss).__name__} needs the features of {loss.fewest_cascades} cascades or more; "
            f"got {len(teacher_features)}."
        )
    compared, axes = "batch, height or width", 3
    if loss.needs_equal_channels:
        compared, axes = "batch, height, width or channels", 4
    for teacher, student in zip(teacher_features, student_features, strict=True):
        pairs = list(zip(teacher.shape, student.shape, strict=False))[:axes]
        if len(teacher.shape) != len(student.shape) or any(
            None not in pair and pair[0] != pair[1] for pair in pairs
        ):
            raise InputError(
                f"{type(loss).__name__} cannot compare a teacher feature of shape "
                f"{tuple(teacher.shape)} with a student feature of shape {tuple(student.shape)}: "
                f"{compared} differ."
            )
