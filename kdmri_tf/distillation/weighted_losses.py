"""What the custom training steps share: a weighted sum of named losses, reported one by one."""

from collections.abc import Mapping
from typing import Any, ClassVar

import keras
import tensorflow as tf

from kdmri_tf.errors import InputError


class WeightedTraining(keras.Model):
    """Trains on `loss = sum of weight * named loss`.

    A subclass names its weights in `LOSSES`, sets them in `compile` and implements `compute_losses`
    and `trained_variables`. It is fitted on pairs `(inputs, image)`. `loss`, the named losses and
    the metrics of `compile` are reported, the latter of the image that `compute_losses` gives.

    Attributes:
        LOSSES: argument of `compile` -> name of the loss that it weighs.
        TRAINED: attributes that hold the networks to train.
        ALWAYS_REPORTED: losses that are computed and reported with a weight of 0 as well.
        MONITORED: other values that `compute_losses` may give, reported and not trained on.
        loss_weights: name of a loss -> its weight; set by `compile`.
    """

    LOSSES: ClassVar[dict[str, str]] = {}
    TRAINED: ClassVar[tuple[str, ...]] = ()
    ALWAYS_REPORTED: ClassVar[tuple[str, ...]] = ()
    MONITORED: ClassVar[tuple[str, ...]] = ()

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)
        reported = (*self.LOSSES.values(), *self.MONITORED)
        self._loss_trackers = [keras.metrics.Mean(name=name) for name in reported]
        self.loss_weights: dict[str, float] = {}
        self.built = True

    def compile_weighted(
        self,
        optimizer: keras.optimizers.Optimizer | str,
        weights: Mapping[str, float],
        **kwargs: Any,
    ) -> None:
        """Compiles as `keras.Model.compile` does, with weights instead of a `loss`.

        Args:
            optimizer: as `keras.Model.compile` takes it.
            weights: argument, a key of `LOSSES`, -> weight.
            kwargs: other arguments of `keras.Model.compile`.

        Raises:
            InputError: a weight is negative, all are 0, `loss` or `loss_weights` are given, or a
                network that is to be trained is frozen.
        """
        for name in {"loss", "loss_weights"} & kwargs.keys():
            raise InputError(
                f"A {type(self).__name__} has its own losses; set {', '.join(self.LOSSES)} instead "
                f"of {name}."
            )
        for name in self.TRAINED:
            if not getattr(self, name).trainable:
                raise InputError(
                    f"The {name} is frozen, as a Distiller leaves its teacher, and cannot be "
                    f"trained: set {name}.trainable = True first."
                )
        for argument, weight in weights.items():
            if not weight >= 0:
                raise InputError(f"{argument} must not be negative; got {weight}.")
        if not any(weights.values()):
            raise InputError("All loss weights are 0: there is nothing to train on.")
        super().compile(optimizer=optimizer, **kwargs)
        self.loss_weights = {self.LOSSES[name]: weight for name, weight in weights.items()}

    @property
    def current_weights(self) -> Mapping[str, float | tf.Tensor]:
        """`loss_weights` as they are in this step."""
        return self.loss_weights

    def compute_losses(
        self, inputs: Any, target: tf.Tensor, training: bool
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Returns the image, `(batch, H, W, 1)`, and all values that are reported, name -> scalar.

        Args:
            inputs: inputs of the batch, as `fit` gives them.
            target: `(batch, H, W, 1)`.
            training: whether a step follows.
        """
        raise NotImplementedError

    @property
    def trained_variables(self) -> list[keras.Variable]:
        """The variables that a step moves."""
        raise NotImplementedError

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Those of Keras without losses that weigh nothing."""
        unused = {name for name, weight in self.loss_weights.items() if not weight}
        unused.difference_update(self.ALWAYS_REPORTED)
        return [metric for metric in super().metrics if metric.name not in unused]

    def train_step(self, data: tuple) -> dict[str, tf.Tensor]:
        """Moves `trained_variables` by one batch and returns the logs."""
        inputs, target = self.unpack(data)
        with tf.GradientTape() as tape:
            image, losses = self._weigh(inputs, target, training=True)
            # Replicas sum their gradients, so each takes its share of a mean loss.
            replicas = tf.distribute.get_strategy().num_replicas_in_sync
            loss = self.optimizer.scale_loss(losses["loss"] / replicas)
        if not self.optimizer.built:
            # On all variables, moved here or not: at the end of `fit` Keras pairs these with the
            # optimizer's, one by one, to write back the averages of `use_ema`.
            self.optimizer.build(self.trainable_variables)
        variables = self.trained_variables
        # Zeros leave a weight be that no loss reaches, as behind the last matched layer.
        gradients = tape.gradient(loss, variables, unconnected_gradients="zero")
        self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return self.report(losses, inputs, target, image)

    def test_step(self, data: tuple) -> dict[str, tf.Tensor]:
        """Evaluates one batch and returns the logs."""
        inputs, target = self.unpack(data)
        image, losses = self._weigh(inputs, target, training=False)
        return self.report(losses, inputs, target, image)

    def report(
        self, losses: Mapping[str, tf.Tensor], inputs: Any, target: tf.Tensor, image: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Returns the logs of a step: these losses and the metrics of the image."""
        trackers = {metric.name: metric for metric in self.metrics}
        for name, value in losses.items():
            trackers[name].update_state(value, sample_weight=tf.shape(target)[0])
        return self.compute_metrics(inputs, target, image)

    def _weigh(
        self, inputs: Any, target: tf.Tensor, training: bool
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Returns the image and its losses, their weighted sum, `loss`, among them."""
        image, losses = self.compute_losses(inputs, target, training)
        weights = self.current_weights
        weighted = [weights[name] * losses[name] for name in losses if name in weights]
        return image, {**losses, "loss": tf.add_n(weighted)}

    def unpack(self, data: tuple) -> tuple[Any, tf.Tensor]:
        """Returns (inputs, target) of a batch, the target float32 `(batch, H, W, 1)`.

        Raises:
            InputError: no target, sample weights, or a target of another shape.
        """
        inputs, target, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        if target is None or sample_weight is not None:
            raise InputError(
                f"A {type(self).__name__} is fitted on (inputs, image) pairs, without sample "
                "weights."
            )
        target = tf.cast(target, tf.float32)
        if target.shape.rank == 3:
            target = target[..., tf.newaxis]
        rank = target.shape.rank
        if rank is not None and (rank != 4 or target.shape[-1] not in (1, None)):
            raise InputError(
                "The target must be images (batch, H, W, 1) or (batch, H, W); got shape "
                f"{target.shape}."
            )
        return inputs, target


def mean_absolute_error(target: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    """Computes the mean of |target - image| over everything; shapes may broadcast."""
    return tf.reduce_mean(tf.abs(target - image))
