"""The distiller: trains a student on its teacher's features and images and on the target."""

from typing import ClassVar

import tensorflow as tf

from kdmri_tf.distillation import feature_losses
from kdmri_tf.distillation.feature_loss import for_loss, takes_any_dtype
from kdmri_tf.distillation.weighted_losses import WeightedTraining, mean_absolute_error
from kdmri_tf.errors import InputError


class Distiller(WeightedTraining):
    """Trains `student` under a frozen `teacher` with a weighted sum of three losses::

        loss = reconstruction_weight * mean |x - x_S|
             + imitation_weight      * mean |x_T - x_S|
             + feature_weight        * feature_loss(features_T, features_S)

    x is the target, x_T and x_S the images of teacher and student. The stages of KD-MRI are three
    settings of the weights: attention transfer alone (0, 0, 1), then distillation
    (alpha, 1 - alpha, 0) with alpha = 0.5; joint training and the ablation are others.

    Takes the batches that a `DCCNN` is fitted on: `({"kspace", "mask"}, image)`. Where the inputs
    hold "teacher" too (see `cache_teacher`), its outputs are not computed again. Reports `loss`,
    `student_loss` (mean |x - x_S|) and, where their weights are not 0, `imitation_loss` and
    `feature_loss`. `distiller(inputs)` is the student's image. Save `distiller.student`, not the
    distiller.

    Args:
        student: the network to train; any model with `model(inputs, return_features=True)`.
        teacher: the trained network. It is frozen (`teacher.trainable = False`) and runs outside
            the gradient.

    Source: KD-MRI (2020), section 2.2, equations 3 to 5.
    """

    LOSSES: ClassVar = {
        "reconstruction_weight": "student_loss",
        "imitation_weight": "imitation_loss",
        "feature_weight": "feature_loss",
    }
    TRAINED = ("student",)
    ALWAYS_REPORTED = ("student_loss",)

    def __init__(self, student, teacher, **kwargs):
        super().__init__(**kwargs)
        if student is teacher:
            raise InputError("student and teacher are the same model; distillation needs two.")
        self.student = student
        self.teacher = teacher
        self.teacher.trainable = False
        self.feature_loss = None

    def compile(
        self,
        optimizer="adam",
        feature_loss=None,
        feature_weight=None,
        imitation_weight=0.5,
        reconstruction_weight=0.5,
        **kwargs,
    ):
        """Sets optimizer and losses; other arguments go to `keras.Model.compile`.

        Args:
            feature_loss: `loss(teacher_features, student_features)`, such as `AttentionTransfer()`,
                or its name, such as "at"; see `FEATURE_LOSSES`.
            feature_weight: its weight; None for 1 with a feature loss and 0 without.
            imitation_weight: weight of |x_T - x_S|, 1 - alpha in the paper.
            reconstruction_weight: weight of |x - x_S|, alpha in the paper.

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
            "reconstruction_weight": reconstruction_weight,
            "imitation_weight": imitation_weight,
            "feature_weight": feature_weight,
        }
        super().compile(optimizer, weights, **kwargs)
        self.feature_loss = feature_loss

    def call(self, inputs, training=False):
        if isinstance(inputs, dict):  # without what is kept of the teacher
            inputs = {name: value for name, value in inputs.items() if name != "teacher"}
        return self.student(inputs, training=training)

    @property
    def trained_variables(self):
        return self.student.trainable_variables

    def compute_losses(self, inputs, target, training):
        inputs, teacher_outputs = self._with_teacher(inputs)
        image, features = self.student(inputs, return_features=True, training=training)
        values = {"student_loss": mean_absolute_error(target, image)}
        if self.loss_weights["imitation_loss"]:
            values["imitation_loss"] = mean_absolute_error(teacher_outputs["image"], image)
        if self.loss_weights["feature_loss"]:
            values["feature_loss"] = self._compare(teacher_outputs, features)
        return image, values

    def _with_teacher(self, inputs):
        """(the student's inputs, what the losses need of the teacher)."""
        imitates, compares = (self.loss_weights[k] for k in ("imitation_loss", "feature_loss"))
        if not (isinstance(inputs, dict) and "teacher" in inputs):
            if compares:
                image, features = self.teacher(inputs, return_features=True, training=False)
                return inputs, {"image": image, "features": features}
            return inputs, {"image": self.teacher(inputs, training=False)} if imitates else {}
        inputs = dict(inputs)
        cached = inputs.pop("teacher")
        needed = {"image": imitates, "described": compares}
        missing = [name for name in needed if needed[name] and name not in cached]
        if missing:
            raise InputError(
                f"The cached teacher lacks {' and '.join(missing)}, which a weight asks for; "
                "give cache_teacher the feature_loss and images=True as needed."
            )
        return inputs, cached

    def _compare(self, teacher_outputs, features):
        loss = self.feature_loss
        if "described" in teacher_outputs:
            features = for_loss(features, loss)
            return loss.compare(teacher_outputs["described"], loss.describe(features))
        if takes_any_dtype(loss):
            # `keras.losses.Loss.__call__` would first write all features in float32.
            return loss.call(teacher_outputs["features"], features)
        value = loss(for_loss(teacher_outputs["features"], loss), for_loss(features, loss))
        return tf.cast(value, tf.float32)
