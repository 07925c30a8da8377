"""Runs networks for their evaluation: on volumes, and again and again for the time they take."""

import time
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from kdmri_tf.physics.degradation import Degradation

WARM_UP_RUNS = 3
TIMED_RUNS = 15

CompiledNetwork = Callable[[dict[str, tf.Tensor]], tf.Tensor]


def compiled(network: keras.Model, specification: dict[str, tf.TensorSpec]) -> CompiledNetwork:
    """Compiles a network to one graph for inputs of these shapes: `predict` costs more time."""

    @tf.function(input_signature=[specification])
    def reconstruct(inputs: dict[str, tf.Tensor]) -> tf.Tensor:
        return tf.cast(network(inputs, training=False), tf.float32)

    return reconstruct


def reconstruct(
    networks: dict[str, CompiledNetwork],
    images: NDArray[np.float32],
    degradation: Degradation,
    batch_size: int,
) -> dict[str, NDArray[np.float32]]:
    """Reconstructs a volume with every network, and as it is seen without one.

    Args:
        networks: name -> compiled network.
        images: fully sampled, (slices, H, W).
        degradation: makes the inputs of the networks.
        batch_size: slices that are reconstructed at once.

    Returns:
        Name -> volume (slices, H, W), the baselines of the degradation first.
    """
    batches: dict[str, list[NDArray[np.float32]]] = {
        name: [] for name in (*degradation.baselines, *networks)
    }
    for start in range(0, len(images), batch_size):
        image = images[start : start + batch_size, ..., np.newaxis]
        inputs = degradation.apply(image)
        for name, baseline in degradation.baselines.items():
            batches[name].append(np.asarray(baseline(image))[..., 0])
        for name, network in networks.items():
            batches[name].append(network(inputs).numpy()[..., 0])
    return {name: np.concatenate(parts) for name, parts in batches.items()}


def milliseconds(
    networks: dict[str, CompiledNetwork], inputs: dict[str, tf.Tensor]
) -> dict[str, float]:
    """Measures the median time of one call, the output fetched to the host; networks take turns."""
    seconds: dict[str, list[float]] = {name: [] for name in networks}
    for run in range(WARM_UP_RUNS + TIMED_RUNS):
        for name, network in networks.items():
            start = time.perf_counter()
            network(inputs).numpy()
            if run >= WARM_UP_RUNS:
                seconds[name].append(time.perf_counter() - start)
    return {name: 1000 * float(np.median(values)) for name, values in seconds.items()}
