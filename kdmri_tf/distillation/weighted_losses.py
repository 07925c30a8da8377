"""What the custom training steps share: a weighted sum of named losses, reported one by one."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NoReturn, Self

import keras
import tensorflow as tf

from kdmri_tf.compute import replicas
from kdmri_tf.compute.fan_out import ordered_sum
from kdmri_tf.distillation.image_check import target_images
from kdmri_tf.errors import InputError
from kdmri_tf.networks.replica_fit import ReplicaFit

KERAS_LOSSES = {"loss", "loss_weights"}  # arguments of `compile` that are not for these models
REGULARIZATION = "regularization_loss"


class WeightedTraining(ReplicaFit):
    """Trains on `loss = sum of weight * named loss`.

    As in `fit` of a network alone, what the networks that are trained add themselves, by
    regularizers of weights and activations and by `add_loss`, joins that sum with a weight of 1,
    and is reported as `regularization_loss` where there is any.

    A subclass names its weights in `LOSSES`, sets them in `compile` and implements
    `compute_losses`. It is fitted on pairs `(inputs, image)`. `loss`, the named losses and
    the metrics of `compile` are reported, the latter of the image that `compute_losses` gives.

    Attributes:
        LOSSES: argument of `compile` -> name of the loss that it weighs.
        NETWORKS: arguments of the constructor, and attributes, that hold networks.
        TRAINED: those of them that are trained.
        ALWAYS_REPORTED: losses that are computed and reported with a weight of 0 as well.
        MONITORED: other values that `compute_losses` may give, reported and not trained on.
        loss_weights: name of a loss -> its weight; set by `compile`.
        compiled_with: arguments of `compile` that Keras does not know, name -> value.
    """

    LOSSES: ClassVar[dict[str, str]] = {}
    NETWORKS: ClassVar[tuple[str, ...]] = ()
    TRAINED: ClassVar[tuple[str, ...]] = ()
    ALWAYS_REPORTED: ClassVar[tuple[str, ...]] = ()
    MONITORED: ClassVar[tuple[str, ...]] = ()

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)
        reported = (*self.LOSSES.values(), *self.MONITORED, REGULARIZATION)
        self._loss_trackers = [keras.metrics.Mean(name=name) for name in reported]
        self.loss_weights: dict[str, float] = {}
        self.compiled_with: dict[str, Any] = {}
        self._is_regularized = False  # known once a step is traced
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
        for name in KERAS_LOSSES & kwargs.keys():
            raise InputError(
                f"A {type(self).__name__} has its own losses; set {', '.join(self.LOSSES)} instead "
                f"of {name}."
            )
        for name in self.TRAINED:
            network = getattr(self, name)
            if not network.trainable or (network.built and not self.variables_of(name)):
                raise _frozen(name)
        for argument, weight in weights.items():
            if not weight >= 0:
                raise InputError(f"{argument} must not be negative; got {weight}.")
        if not any(weights.values()):
            raise InputError("All loss weights are 0: there is nothing to train on.")
        if kwargs.get("auto_scale_loss", True) and any(
            getattr(self, name).dtype_policy.name == "mixed_float16" for name in self.TRAINED
        ):
            # Keras does so by the policy of the model itself, which is float32.
            optimizer = keras.optimizers.get(optimizer)
            if not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
                optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        super().compile(optimizer=optimizer, **kwargs)
        self.loss_weights = {self.LOSSES[name]: weight for name, weight in weights.items()}
        self.compiled_with = dict(weights)
        self._is_regularized = False

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

    def variables_of(self, name: str) -> list[keras.Variable]:
        """Returns the variables of a network, one of `TRAINED`, that a step moves."""
        return getattr(self, name).trainable_variables

    @property
    def trained_variables(self) -> list[keras.Variable]:
        """The variables that a step moves."""
        return [variable for name in self.TRAINED for variable in self.variables_of(name)]

    def added_losses(self) -> list[tf.Tensor]:
        """Returns what the trained networks added themselves when this step called them."""
        return [loss for name in self.TRAINED for loss in getattr(self, name).losses]

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Those of Keras without losses that weigh nothing."""
        unused = {name for name, weight in self.loss_weights.items() if not weight}
        unused.difference_update(self.ALWAYS_REPORTED)
        unused |= set() if self._is_regularized else {REGULARIZATION}
        return [metric for metric in super().metrics if metric.name not in unused]

    def train_step(self, data: tuple) -> dict[str, tf.Tensor]:
        """Moves `trained_variables` by one batch and returns the logs."""
        inputs, target, weight = self.unpack(data)
        with tf.GradientTape() as tape:
            image, losses = self._weigh(inputs, target, training=True)
            # Replicas sum their gradients, so each takes its share of a mean loss.
            share = replicas.share_of_batch(replicas.counted_slices(target, weight))
            loss = self.optimizer.scale_loss(losses["loss"] * share)
        if not self.optimizer.built:
            # On all variables, moved here or not: at the end of `fit` Keras pairs these with the
            # optimizer's, one by one, to write back the averages of `use_ema`.
            self.optimizer.build(self.trainable_variables)
        variables = self.trained_variables
        if not variables:  # of a network that was built by this very step
            raise _frozen(self.TRAINED[0])
        # Zeros leave a weight be that no loss reaches, as behind the last matched layer.
        gradients = tape.gradient(loss, variables, unconnected_gradients="zero")
        self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return self.report(losses, inputs, target, image, weight)

    def test_step(self, data: tuple) -> dict[str, tf.Tensor]:
        """Evaluates one batch and returns the logs."""
        inputs, target, weight = self.unpack(data)
        image, losses = self._weigh(inputs, target, training=False)
        return self.report(losses, inputs, target, image, weight)

    def report(
        self,
        losses: Mapping[str, tf.Tensor],
        inputs: Any,
        target: tf.Tensor,
        image: tf.Tensor,
        weight: tf.Tensor | None,
    ) -> dict[str, tf.Tensor]:
        """Returns the logs of a step: these losses and the metrics of the image."""
        trackers = {metric.name: metric for metric in self.metrics}
        slices = replicas.counted_slices(target, weight)
        for name, value in losses.items():
            trackers[name].update_state(value, sample_weight=slices)
        logs = self.compute_metrics(inputs, target, image, sample_weight=weight)
        return replicas.as_logs(logs)

    def _weigh(
        self, inputs: Any, target: tf.Tensor, training: bool
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Returns the image and its losses, their weighted sum, `loss`, among them."""
        image, losses = self.compute_losses(inputs, target, training)
        weights = self.current_weights
        weighted = [weights[name] * losses[name] for name in losses if name in weights]
        losses = {**losses, "loss": ordered_sum(weighted)}
        return image, self.with_added(losses, self.added_losses())

    def with_added(
        self, losses: dict[str, tf.Tensor], added: Sequence[tf.Tensor]
    ) -> dict[str, tf.Tensor]:
        """Returns the losses of a step with what networks added: in `loss`, and by itself."""
        if not added:
            return losses
        self._is_regularized = True
        regularization = ordered_sum([tf.cast(loss, tf.float32) for loss in added])
        total = losses["loss"] + regularization
        return {**losses, REGULARIZATION: regularization, "loss": total}

    def unpack(self, data: tuple) -> tuple[Any, tf.Tensor, tf.Tensor | None]:
        """Returns (inputs, target, weight) of a batch, the target float32 `(batch, H, W, 1)`.

        Weights are those of `share_batches`: 1, or 0 for the slice of a replica that has no other.

        Raises:
            InputError: no target, sample weights, or a target of another shape.
        """
        inputs, target, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        is_shared = replicas.number_of_replicas() > 1
        if target is None or (sample_weight is not None and not is_shared):
            raise InputError(
                f"A {type(self).__name__} is fitted on (inputs, image) pairs, without sample "
                "weights."
            )
        if sample_weight is not None:
            is_own = tf.reduce_all(sample_weight == 1) | tf.reduce_all(sample_weight == 0)
            tf.debugging.Assert(is_own, ["Sample weights other than those of share_batches."])
        return inputs, target_images(target), sample_weight

    def export(self, filepath: Any, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuses what trains networks: these are exported by themselves.

        Raises:
            InputError: always, with the way to an export.
        """
        name = self.TRAINED[-1]
        raise InputError(
            f"A {type(self).__name__} only trains; export its network: "
            f'model.{name}.export("{name}", format="tf_saved_model").'
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor, for Keras to make the model anew."""
        networks = {
            name: keras.saving.serialize_keras_object(getattr(self, name)) for name in self.NETWORKS
        }
        return {**super().get_config(), **networks}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        """Makes the model of a configuration, its networks with new weights."""
        networks = {
            name: keras.saving.deserialize_keras_object(config[name], custom_objects)
            for name in cls.NETWORKS
        }
        return cls(**{**config, **networks})

    def get_compile_config(self) -> dict[str, Any]:
        """Returns the arguments of `compile`, for Keras to compile a loaded model with them."""
        config = super().get_compile_config() or {}
        config = {name: value for name, value in config.items() if name not in KERAS_LOSSES}
        return {**config, **keras.saving.serialize_keras_object(self.compiled_with)}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles with the arguments that `get_compile_config` returned."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)


def mean_absolute_error(target: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    """Computes the mean of |target - image| over everything; shapes may broadcast."""
    return tf.reduce_mean(tf.abs(target - image))


def _frozen(name: str) -> InputError:
    """Says that a network has nothing to train."""
    return InputError(
        f"The {name} is frozen, as a Distiller leaves its teacher, and cannot be trained: set "
        f"{name}.trainable = True first."
    )
