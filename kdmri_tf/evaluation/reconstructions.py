"""Runs networks for their evaluation: on volumes, and again and again for the time they take."""

import time
from collections.abc import Callable, Mapping

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from kdmri_tf.evaluation.volume_slices import Slices, magnitudes
from kdmri_tf.physics.degradation import Baselines, Degradation

WARM_UP_RUNS = 3
TIMED_RUNS = 15

CompiledNetwork = Callable[[dict[str, tf.Tensor]], tf.Tensor]


def compiled(network: keras.Model, specification: dict[str, tf.TensorSpec]) -> CompiledNetwork:
    """Compiles a network to one graph for inputs of these shapes: `predict` costs more time."""

    @tf.function(input_signature=[specification])
    def reconstruct(inputs: dict[str, tf.Tensor]) -> tf.Tensor:
        image = network(inputs, training=False)
        # `magnitudes` refuses complex images, in its own words outside the graph.
        return image if image.dtype.is_complex else tf.cast(image, tf.float32)

    return reconstruct


def reconstruct(
    networks: Mapping[str, CompiledNetwork],
    slices: Slices,
    degradation: Degradation,
    batch_size: int,
    baselines: Baselines | None = None,
) -> tuple[NDArray[np.float32], dict[str, NDArray[np.float32]]]:
    """Reconstructs a volume with every network, and as it is seen without one.

    Of complex images, magnitudes are returned; each slice divided by the maximum of its target, as
    magnitude images are.

    Args:
        networks: name -> compiled network.
        slices: fully sampled, as `degradation.pair` takes them, from `volume_slices`.
        degradation: makes the inputs of the networks.
        batch_size: slices that are reconstructed at once.
        baselines: what is seen without a network; None for those of the degradation.

    Returns:
        (target, name -> reconstruction), volumes `(slices, H, W)`, the baselines first.
    """
    baselines = degradation.baselines if baselines is None else baselines
    targets: list[NDArray[np.float32]] = []
    batches: dict[str, list[NDArray[np.float32]]] = {name: [] for name in (*baselines, *networks)}
    count = len(next(iter(slices.values())))
    for start in range(0, count, batch_size):
        batch = {name: values[start : start + batch_size] for name, values in slices.items()}
        inputs, target = degradation.pair(**batch)
        targets.append(magnitudes(target))
        for name, baseline in baselines.items():
            batches[name].append(magnitudes(baseline(inputs, target)))
        for name, network in networks.items():
            batches[name].append(magnitudes(network(inputs)))
    volume = np.concatenate(targets)
    volumes = {name: np.concatenate(parts) for name, parts in batches.items()}
    if not degradation.complex_images:
        return volume, volumes
    peak = volume.max(axis=(1, 2), keepdims=True)
    peak[peak == 0] = 1
    return volume / peak, {name: images / peak for name, images in volumes.items()}


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
