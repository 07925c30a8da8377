"""What `fit` needs beyond Keras where replicas share every batch."""

from typing import Any

import keras
import tensorflow as tf

from kdmri_tf.compute import replicas


class ReplicaFit(keras.Model):
    """A model that `fit` trains under any `tf.distribute` strategy as it does in one process.

    Keras takes the mean over what each replica has, and the mean of these means, so that a slice
    counts less where a replica has more of them, as in the last batch of a pass; and it trips over
    the symbolic build and the scalar logs of models under `MultiWorkerMirroredStrategy`. Here every
    slice counts the same, and a slice of weight 0, as `share_batches` gives a replica that has no
    other, not at all. Without replicas everything is Keras' own.
    """

    def _maybe_symbolic_build(self, *arguments: Any, **named: Any) -> None:
        """Builds metrics that `compile` knows by name, before replicas would do so in their step.

        Networks are built when they are made; Keras' own build trips over shares of other sizes.
        """
        if self.distribute_strategy.num_replicas_in_sync == 1:
            super()._maybe_symbolic_build(*arguments, **named)
            return
        metrics = self._compile_metrics
        if metrics is not None and not metrics.built:
            image = tf.zeros((1, 1, 1, 1))
            with self.distribute_strategy.scope():
                metrics.build(image, image)

    def _get_metrics_result_or_logs(self, logs: dict[str, Any]) -> dict[str, Any]:
        """Takes the results of the metrics, also where a step reports some of them alone.

        Keras takes the logs of the last step then, means of what each replica has seen.
        """
        if self.distribute_strategy.num_replicas_in_sync == 1:
            return super()._get_metrics_result_or_logs(logs)
        results = self.get_metrics_result()
        return {name: results.get(name, value) for name, value in logs.items()}

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Moves the weights by one batch and returns the logs."""
        if replicas.number_of_replicas() == 1:
            return super().train_step(data)
        inputs, target, weight = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            image = self(inputs, training=True)
            loss, slices = self._mean_loss(inputs, target, image, weight, training=True)
            share = replicas.share_of_batch(slices)
            scaled = self.optimizer.scale_loss(share * loss)
        variables = self.trainable_variables
        gradients = tape.gradient(scaled, variables)
        self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return self._logs(inputs, target, image, weight, loss, slices)

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Evaluates one batch and returns the logs."""
        if replicas.number_of_replicas() == 1:
            return super().test_step(data)
        inputs, target, weight = keras.utils.unpack_x_y_sample_weight(data)
        image = self(inputs, training=False)
        loss, slices = self._mean_loss(inputs, target, image, weight, training=False)
        return self._logs(inputs, target, image, weight, loss, slices)

    def _mean_loss(
        self, inputs: Any, target: tf.Tensor, image: tf.Tensor, weight: Any, training: bool
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the loss of `compile` over this replica's slices, and how many count."""
        # Keras divides a loss by the number of replicas, as if all had as many slices.
        loss = self.compute_loss(inputs, target, image, weight, training=training)
        loss = loss * replicas.number_of_replicas()
        return loss, replicas.counted_slices(target, weight)

    def _logs(
        self,
        inputs: Any,
        target: tf.Tensor,
        image: tf.Tensor,
        weight: Any,
        loss: tf.Tensor,
        slices: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        trackers = {metric.name: metric for metric in self.metrics}
        trackers["loss"].update_state(loss, sample_weight=slices)
        logs = self.compute_metrics(inputs, target, image, sample_weight=weight)
        return replicas.as_logs(logs)
