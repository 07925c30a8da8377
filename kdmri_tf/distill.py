"""The distiller: trains a student on its teacher's features and images and on the target."""

import keras
import tensorflow as tf

from kdmri_tf.errors import InputError


class Distiller(keras.Model):
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

    def __init__(self, student, teacher, **kwargs):
        super().__init__(autocast=False, **kwargs)
        if student is teacher:
            raise InputError("student and teacher are the same model; distillation needs two.")
        self.student = student
        self.teacher = teacher
        self.teacher.trainable = False
        self._loss_trackers = [
            keras.metrics.Mean(name=name)
            for name in ("student_loss", "imitation_loss", "feature_loss")
        ]
        self._unused_losses = []
        self.built = True

    def compile(
        self,
        optimizer="adam",
        feature_loss=None,
        feature_weight=0.0,
        imitation_weight=0.5,
        reconstruction_weight=0.5,
        **kwargs,
    ):
        """Sets optimizer and losses; other arguments go to `keras.Model.compile`.

        Args:
            feature_loss: `loss(teacher_features, student_features)`, such as `AttentionTransfer()`.
            feature_weight: its weight.
            imitation_weight: weight of |x_T - x_S|, 1 - alpha in the paper.
            reconstruction_weight: weight of |x - x_S|, alpha in the paper.

        Raises:
            InputError: a weight is negative, all are 0, the feature weight has no loss, or a
                `loss` is given.
        """
        if "loss" in kwargs:
            raise InputError(
                "A Distiller has its own losses; set feature_loss and the weights instead of loss."
            )
        weights = {
            "feature_weight": feature_weight,
            "imitation_weight": imitation_weight,
            "reconstruction_weight": reconstruction_weight,
        }
        for name, weight in weights.items():
            if not weight >= 0:
                raise InputError(f"{name} must not be negative; got {weight}.")
        if not any(weights.values()):
            raise InputError("All loss weights are 0: there is nothing to train on.")
        if feature_weight and feature_loss is None:
            raise InputError(
                f"feature_weight is {feature_weight} but there is no feature_loss; give one, such "
                "as kdmri_tf.AttentionTransfer()."
            )
        super().compile(optimizer=optimizer, **kwargs)
        self.feature_loss = feature_loss
        self.feature_weight = feature_weight
        self.imitation_weight = imitation_weight
        self.reconstruction_weight = reconstruction_weight
        weights = {"imitation_loss": imitation_weight, "feature_loss": feature_weight}
        self._unused_losses = [name for name, weight in weights.items() if not weight]

    @property
    def metrics(self):
        return [metric for metric in super().metrics if metric.name not in self._unused_losses]

    def call(self, inputs, training=False):
        return self.student(inputs, training=training)

    def train_step(self, data):
        inputs, target, teacher_outputs = self._unpack(data)
        with tf.GradientTape() as tape:
            image, losses = self._weigh(inputs, target, teacher_outputs, training=True)
            # Replicas sum their gradients, so each takes its share of a mean loss.
            replicas = tf.distribute.get_strategy().num_replicas_in_sync
            loss = self.optimizer.scale_loss(losses["loss"] / replicas)
        variables = self.student.trainable_variables
        # Attention alone reaches no weight behind the last matched layer: zeros leave them be.
        gradients = tape.gradient(loss, variables, unconnected_gradients="zero")
        self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return self._report(losses, inputs, target, image)

    def test_step(self, data):
        inputs, target, teacher_outputs = self._unpack(data)
        image, losses = self._weigh(inputs, target, teacher_outputs, training=False)
        return self._report(losses, inputs, target, image)

    def _unpack(self, data):
        inputs, target, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        if target is None or sample_weight is not None:
            raise InputError(
                "A Distiller is fitted on (inputs, image) pairs, without sample weights."
            )
        if isinstance(inputs, dict) and "teacher" in inputs:
            inputs = dict(inputs)
            teacher_outputs = inputs.pop("teacher")
            needed = {"image": self.imitation_weight, "features": self.feature_weight}
            missing = [name for name in needed if needed[name] and name not in teacher_outputs]
            if missing:
                raise InputError(
                    f"The cached teacher lacks {' and '.join(missing)}, which a weight asks for; "
                    "give cache_teacher the feature_loss and images=True as needed."
                )
            return inputs, target, teacher_outputs
        return inputs, target, self._teach(inputs)

    def _teach(self, inputs):
        if self.feature_weight:
            image, features = self.teacher(inputs, return_features=True, training=False)
            return {"image": image, "features": features}
        return {"image": self.teacher(inputs, training=False)} if self.imitation_weight else {}

    def _weigh(self, inputs, target, teacher_outputs, training):
        image, features = self.student(inputs, return_features=True, training=training)
        losses = {"student_loss": _mean_absolute_error(target, image)}
        total = self.reconstruction_weight * losses["student_loss"]
        if self.imitation_weight:
            losses["imitation_loss"] = _mean_absolute_error(teacher_outputs["image"], image)
            total += self.imitation_weight * losses["imitation_loss"]
        if self.feature_weight:
            losses["feature_loss"] = self.feature_loss(teacher_outputs["features"], features)
            total += self.feature_weight * losses["feature_loss"]
        losses["loss"] = total
        return image, losses

    def _report(self, losses, inputs, target, image):
        trackers = {metric.name: metric for metric in self.metrics}
        for name, value in losses.items():
            trackers[name].update_state(value, sample_weight=tf.shape(target)[0])
        return self.compute_metrics(inputs, target, image)


def _mean_absolute_error(target, image):
    return tf.reduce_mean(tf.abs(target - image))
