"""The distiller: trains a student on its teacher's features and images and on the target."""

import warnings
from collections.abc import Sequence
from typing import Any, ClassVar, NoReturn

import keras
import tensorflow as tf

from kdmri_tf.distillation import feature_losses
from kdmri_tf.distillation.feature_loss import Loss, for_loss, takes_any_dtype
from kdmri_tf.distillation.feature_matching import FeatureMatching
from kdmri_tf.distillation.image_check import image_and_features, like_target
from kdmri_tf.distillation.outputs_teacher import check_teacher
from kdmri_tf.distillation.weighted_losses import WeightedTraining, mean_absolute_error
from kdmri_tf.errors import InputError
from kdmri_tf.networks.network import Network

# What the constructor of `keras.distillation.Distiller` takes and this one does not.
KERAS_ARGUMENTS = {"distillation_losses", "distillation_loss_weights", "student_loss_weight"}


@keras.saving.register_keras_serializable(package="kdmri_tf")
class Distiller(WeightedTraining):
    """Trains `student` under a frozen `teacher` with a weighted sum of three losses::

        loss = student_loss_weight * mean |x - x_S|
             + imitation_weight    * mean |x_T - x_S|
             + feature_weight      * feature_loss(features_T, features_S)

    x is the target, x_T and x_S the images of teacher and student. The stages of KD-MRI are three
    settings of the weights: attention transfer alone (0, 0, 1), then distillation
    (alpha, 1 - alpha, 0) with alpha = 0.5; joint training and the ablation are others.

    Takes the batches that a `DCCNN` is fitted on: `({"kspace", "mask"}, image)`. Where the inputs
    hold "teacher_outputs" too (see `cache_teacher`), these are not computed again. Reports `loss`,
    `student_loss` (mean |x - x_S|) and, where their weights are not 0, `imitation_loss` and
    `feature_loss`; and `regularization_loss` where the student has regularizers or calls
    `add_loss`, which join `loss` as in `student.fit`; those of the teacher do not.
    `distiller(inputs)` is the student's image. Callbacks that watch one of the parts, as
    `keras.callbacks.EarlyStopping("val_student_loss", mode="min")` does, need the mode: Keras knows
    the direction of `loss`, and of metrics that are given to `compile`, alone.

    `keras.distillation.Distiller` is the same idea with other losses. Here as there the teacher
    comes first and is frozen, `student_loss_weight` weighs the target, and `student_loss` is
    logged. What differs:

    - Losses and their weights are arguments of `compile`, not of the constructor, so that stages
      follow each other on one distiller. Of Keras' `distillation_losses` there are two:
      `feature_loss`, which takes activations of all cascades, and the imitation of the teacher's
      image. `feature_weight` and `imitation_weight` are their `distillation_loss_weights`.
    - The three weights stand by themselves; Keras multiplies the sum of its distillation losses by
      `1 - student_loss_weight`.
    - Keras' log `total_loss` is `loss`; instead of the sum `distillation_loss`, each part is
      logged, unweighted.

    Networks that differ in their number of cascades or in the resolution that these work at are
    compared by pairs of features, see `FeatureMatching`.

    Save `distiller.student` to reconstruct with it, to serve it or to export it. The distiller
    itself can be saved, too, as `keras.callbacks.ModelCheckpoint` does, with both networks, losses
    and optimizer, to go on training after `kdmri_tf.load_model`; that file is read by this
    package alone.

    Args:
        teacher: the trained network. It is frozen (`teacher.trainable = False`) and runs outside
            the gradient.
        student: the network to train. Both are any models whose `model(inputs)` is an image
            `(batch, H, W, 1)` and, where features are compared, `model(inputs,
            return_features=True)` is (image, list of activations).

    Raises:
        InputError: both are one model; in training: images of another shape than the target's.

    Warns:
        UserWarning: the student needs more multiply-adds than the teacher (of models of other
            kinds: has more weights), as after an exchange of both.

    Example:
        >>> import numpy as np
        >>> from kdmri_tf import DCCNN, AttentionTransfer, Distiller
        >>> teacher, student = DCCNN(3, 1, filters=4), DCCNN(2, 1, filters=4)
        >>> distiller = Distiller(teacher=teacher, student=student)
        >>> distiller.compile("adam", AttentionTransfer())  # then fit, as any Keras model
        >>> inputs = {"kspace": np.ones((2, 16, 16, 2)), "mask": np.ones((2, 16, 16))}
        >>> logs = distiller.evaluate(inputs, np.ones((2, 16, 16, 1)), verbose=0, return_dict=True)
        >>> sorted(logs)
        ['feature_loss', 'imitation_loss', 'loss', 'student_loss']

    Source: KD-MRI (2020), section 2.2, equations 3 to 5.
    """

    LOSSES: ClassVar = {
        "student_loss_weight": "student_loss",
        "imitation_weight": "imitation_loss",
        "feature_weight": "feature_loss",
    }
    TRAINED: ClassVar = ("student",)
    ALWAYS_REPORTED: ClassVar = ("student_loss",)

    NETWORKS: ClassVar = ("teacher", "student")

    def __init__(self, teacher: keras.Model, student: keras.Model, **kwargs: Any) -> None:
        for name in KERAS_ARGUMENTS & kwargs.keys():
            _refuse_as_keras_takes_it(name)
        super().__init__(**kwargs)
        if teacher is student:
            raise InputError("teacher and student are the same model; distillation needs two.")
        if all(network.built for network in (teacher, student)):
            (teachers, students), unit = _costs(teacher, student)
            if students > teachers:
                warnings.warn(
                    f"The student costs more ({students:,.0f} {unit}) than the teacher "
                    f"({teachers:,.0f}). A Distiller takes the teacher first: "
                    "Distiller(teacher, student).",
                    stacklevel=2,
                )
        self.teacher = teacher
        self.student = student
        self.teacher.trainable = False
        self.feature_loss: Loss | None = None
        self.matching: FeatureMatching | None = None  # of `feature_loss`

    def compile(
        self,
        optimizer: keras.optimizers.Optimizer | str = "adam",
        feature_loss: Loss | str | None = None,
        feature_weight: float | None = None,
        imitation_weight: float = 0.5,
        student_loss_weight: float = 0.5,
        **kwargs: Any,
    ) -> None:
        """Sets optimizer and losses.

        Args:
            optimizer: as `keras.Model.compile` takes it.
            feature_loss: `loss(teacher_features, student_features)`, such as `AttentionTransfer()`,
                or its name, such as "at"; see `FEATURE_LOSSES`.
            feature_weight: its weight; None for 1 with a feature loss and 0 without.
            imitation_weight: weight of |x_T - x_S|, 1 - alpha in the paper.
            student_loss_weight: weight of |x - x_S|, alpha in the paper.
            kwargs: other arguments of `keras.Model.compile`.

        Raises:
            InputError: a weight is negative, all are 0, the feature weight has no loss, `loss` or
                `loss_weights` are given, or the student is frozen.
        """
        if isinstance(feature_loss, str):
            feature_loss = feature_losses.feature_loss(feature_loss)
        if not (feature_loss is None or callable(feature_loss)):
            raise InputError(f"feature_loss must be a loss or its name; got {feature_loss!r}.")
        if feature_weight is None:
            feature_weight = 0.0 if feature_loss is None else 1.0
        if feature_weight and feature_loss is None:
            raise InputError(
                f"feature_weight is {feature_weight} but there is no feature_loss; give one, such "
                "as kdmri_tf.AttentionTransfer()."
            )
        weights = {
            "student_loss_weight": student_loss_weight,
            "imitation_weight": imitation_weight,
            "feature_weight": feature_weight,
        }
        self.compile_weighted(optimizer, weights, **kwargs)
        self.feature_loss = feature_loss
        self.matching = FeatureMatching.of(self.teacher, self.student, feature_loss)
        self.compiled_with["feature_loss"] = feature_loss

    def fit(self, x: Any = None, *arguments: Any, **named: Any) -> keras.callbacks.History:
        """Trains as `keras.Model.fit` does.

        Raises:
            InputError: the batches hold outputs of another teacher, or of this one before its
                weights changed.
        """
        check_teacher(self.teacher, x, named.get("validation_data"))
        return super().fit(x, *arguments, **named)

    def evaluate(self, x: Any = None, *arguments: Any, **named: Any) -> Any:
        """Evaluates as `keras.Model.evaluate` does; refuses what `fit` refuses."""
        check_teacher(self.teacher, x)
        return super().evaluate(x, *arguments, **named)

    def train_on_batch(self, x: Any, *arguments: Any, **named: Any) -> Any:
        """Trains on one batch as `keras.Model` does; refuses what `fit` refuses."""
        check_teacher(self.teacher, x)
        return super().train_on_batch(x, *arguments, **named)

    def test_on_batch(self, x: Any, *arguments: Any, **named: Any) -> Any:
        """Evaluates one batch as `keras.Model` does; refuses what `fit` refuses."""
        check_teacher(self.teacher, x)
        return super().test_on_batch(x, *arguments, **named)

    def call(self, inputs: dict[str, Any], training: bool = False) -> tf.Tensor:
        """Returns the student's image, float32 `(batch, H, W, 1)`."""
        if isinstance(inputs, dict):
            inputs = {name: value for name, value in inputs.items() if name != "teacher_outputs"}
        return self.student(inputs, training=training)

    def compute_losses(
        self, inputs: dict[str, Any], target: tf.Tensor, training: bool
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Returns the student's image and the losses; see `WeightedTraining`."""
        is_cached = isinstance(inputs, dict) and "teacher_outputs" in inputs
        inputs, teacher_outputs = self._with_teacher(inputs)
        features: list[tf.Tensor] = []
        if self.loss_weights["feature_loss"]:
            output = self.student(inputs, return_features=True, training=training)
            image, features = image_and_features(output, "student")
        else:
            image = self.student(inputs, training=training)
        image = like_target(image, target, "student")
        values = {"student_loss": mean_absolute_error(target, image)}
        if self.loss_weights["imitation_loss"]:
            whose = "teacher cache" if is_cached else "teacher"
            imitated = like_target(teacher_outputs["image"], target, whose)
            values["imitation_loss"] = mean_absolute_error(imitated, image)
        if self.loss_weights["feature_loss"]:
            values["feature_loss"] = self._compare(teacher_outputs, features)
        return image, values

    def _with_teacher(self, inputs: dict[str, Any]) -> tuple[dict[str, tf.Tensor], dict[str, Any]]:
        """Returns (the student's inputs, what the losses need of the teacher)."""
        imitates, compares = (self.loss_weights[k] for k in ("imitation_loss", "feature_loss"))
        if not (isinstance(inputs, dict) and "teacher_outputs" in inputs):
            if compares:
                output = self.teacher(inputs, return_features=True, training=False)
                image, features = image_and_features(output, "teacher")
                return inputs, {"image": image, "features": features}
            return inputs, {"image": self.teacher(inputs, training=False)} if imitates else {}
        inputs = dict(inputs)
        cached = inputs.pop("teacher_outputs")
        needed = {"image": imitates, "described": compares}
        missing = [name for name in needed if needed[name] and name not in cached]
        if missing:
            raise InputError(
                f"The cached teacher outputs lack {' and '.join(missing)}, which a loss weight "
                "needs: call cache_teacher with feature_loss and images=True as needed."
            )
        return inputs, cached

    def _compare(self, teacher_outputs: dict[str, Any], features: list[tf.Tensor]) -> tf.Tensor:
        loss: Any = self.feature_loss
        if self.matching is not None:
            features = self.matching.student(features)
        if "described" in teacher_outputs:
            described = loss.describe(for_loss(features, loss))
            _check_cached(teacher_outputs["described"], described)
            return loss.compare_batch(teacher_outputs["described"], described)
        if self.matching is not None:
            given = self.matching.teacher(teacher_outputs["features"])
            teacher_outputs = {**teacher_outputs, "features": given}
        if takes_any_dtype(loss):
            # `keras.losses.Loss.__call__` would first write all features in float32.
            return loss.call(teacher_outputs["features"], features)
        value = loss(for_loss(teacher_outputs["features"], loss), for_loss(features, loss))
        return tf.cast(value, tf.float32)


def _costs(teacher: keras.Model, student: keras.Model) -> tuple[tuple[float, float], str]:
    """Returns what teacher and student cost, and in which unit."""
    if isinstance(teacher, Network) and isinstance(student, Network):
        return (teacher.multiply_adds, student.multiply_adds), "multiply-adds a pixel"
    return (teacher.count_params(), student.count_params()), "weights"


def _check_cached(teacher: Sequence[tf.Tensor], student: Sequence[tf.Tensor]) -> None:
    """Refuses what was kept of a teacher for a student with other cascades or resolution.

    Where sizes are unknown until the graph runs, TensorFlow's error says so then.
    """
    message = (
        "The cached teacher outputs were described for a student with other cascades or another "
        "resolution: call cache_teacher with student=."
    )
    if len(teacher) != len(student):
        raise InputError(message)
    for kept, described in zip(teacher, student, strict=True):
        if not kept.shape.is_compatible_with(described.shape):
            raise InputError(message)
        tf.debugging.assert_equal(tf.shape(kept)[1:], tf.shape(described)[1:], message)


def _refuse_as_keras_takes_it(name: str) -> NoReturn:
    """Refuses an argument that Keras' distiller takes when it is made."""
    raise InputError(
        f"{name} is an argument of keras.distillation.Distiller. Here losses and weights are given "
        "to compile: feature_loss, feature_weight, imitation_weight and student_loss_weight."
    )
