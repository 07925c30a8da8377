"""Evaluates networks on degraded volumes: reconstructs, measures and times them.

One volume is in memory at a time; beside the values, at most three slices of each are kept until
the slices for the figure can be chosen.
"""

import time
from collections.abc import Callable, Iterable, Mapping

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from kdmri_tf.compute.parallel import describe_device
from kdmri_tf.errors import InputError
from kdmri_tf.evaluation.report import Evaluation, FigureSlice
from kdmri_tf.evaluation.volume_metrics import VOLUME_METRICS, psnr
from kdmri_tf.networks.network import Network
from kdmri_tf.networks.saved import WEIGHTS_DIGEST, weights_digest
from kdmri_tf.physics.degradation import Degradation
from kdmri_tf.physics.undersampling import Undersampling

FIGURE_PERCENTILES = {"good": 90, "median": 50, "bad": 10}
WARM_UP_RUNS = 3
TIMED_RUNS = 15

Reconstructor = Callable[[dict[str, tf.Tensor]], tf.Tensor]


def evaluate(
    networks: dict[str, keras.Model],
    volumes: Iterable[tuple[str, np.ndarray]],
    degradation: Degradation | np.ndarray,
    batch_size: int = 8,
    progress: bool = True,
    *,
    dataset: str,
    source: str,
    acceleration: str,
    patients: Mapping[str, str] | None = None,
) -> Evaluation:
    """Degrades every volume, reconstructs it with each network and measures what comes back.

    The first rows are what can be seen without a network: always the zero-filled image |F^-1 y|
    and, of a low resolution, the bicubic interpolation. Metrics are those of `volume_metrics`. A
    good, a median and a bad slice are kept for the figure: near the 90th, 50th and 10th percentile
    of the last network's PSNR per slice. Time is the median of 15 runs at batch size 1, the
    networks taking turns, so that a slow moment of the machine meets them all.

    Args:
        networks: name -> model from the inputs of the degradation to images float32
            (batch, H, W, 1). The names "teacher", "student" and "KD student" bring the comparisons
            of `report`.
        volumes: (name, images) with images float32 (slices, H, W), each slice divided by its own
            maximum; all volumes of one size. Read once.
        degradation: what the networks undo; a mask (H, W) of 0 and 1, unshifted, stands for
            `Undersampling` by it.
        batch_size: slices that a network reconstructs at once; does not change the values.
        progress: shows a progress bar over volumes on stderr, if that is a terminal.
        dataset: anatomy, for the titles.
        source: where the data comes from; "synthetic" is written into every result.
        acceleration: what was asked for, as a label such as "4x".
        patients: volume name -> whose it is; None if every volume is of a patient of its own. Tests
            compare patients, as volumes of one patient are no independent samples.

    Raises:
        InputError: no volume; a volume whose patient is not given, or that is blank, not
            (slices, H, W) or not in [0, 1]; a mask of another size; a network called "zero-filled",
            made for another degradation, or that returns NaN or infinity.
    """
    if not isinstance(degradation, Degradation):
        degradation = Undersampling(degradation)
    for name in degradation.baselines:
        if name in networks:
            raise InputError(f'"{name}" names the row without a network: rename the network.')
    if batch_size < 1:
        raise InputError(f"The batch size must be at least 1, not {batch_size}.")
    for network in networks.values():
        if isinstance(network, Network):
            network.check_degradation(degradation)
    reconstructors = {
        name: _compiled(network, degradation.input_specification)
        for name, network in networks.items()
    }
    *_, last = {**degradation.baselines, **reconstructors}

    records = []
    candidates = _FigureCandidates()
    for volume, images in tqdm(
        volumes, desc="evaluating", unit="volume", disable=None if progress else True
    ):
        _check_volume(volume, images)
        patient = _patient(volume, patients)
        true_acceleration = degradation.acceleration(images.shape[1:])
        reconstructions = _reconstruct(reconstructors, images, degradation, batch_size)
        for name, prediction in reconstructions.items():
            values = _measure(volume, name, images, prediction)
            facts = {"volume": volume, "patient": patient, "network": name, "slices": len(images)}
            records.append({**facts, **values})
        candidates.add(volume, images, reconstructions[last])
    if not records:
        raise InputError("There is no volume to evaluate: the split is empty.")

    figure_slices = []
    for label, (volume, index, target) in candidates.choose().items():
        images = _reconstruct(reconstructors, target[np.newaxis], degradation, batch_size=1)
        images = {name: image[0] for name, image in images.items()}
        figure_slices.append(FigureSlice(label, volume, index, target, images))

    inputs = degradation.apply(figure_slices[0].target[np.newaxis, ..., np.newaxis])
    # Of one slice, as larger batches may go side by side, each part on cores of its own.
    single = tf.nest.map_structure(tf.type_spec_from_value, inputs)
    times = _milliseconds({name: _compiled(net, single) for name, net in networks.items()}, inputs)
    facts = {name: {"parameters": None, "milliseconds": None} for name in degradation.baselines}
    for name, network in networks.items():
        facts[name] = {
            "parameters": network.count_params(),
            "milliseconds": times[name],
            WEIGHTS_DIGEST: weights_digest(network),
        }
    return Evaluation(
        dataset=dataset,
        source=source,
        acceleration=acceleration,
        true_acceleration=true_acceleration,
        device=describe_device(),
        records=records,
        networks=facts,
        figure_slices=figure_slices,
    )


class _FigureCandidates:
    """Finds the slices nearest to given percentiles of PSNR in one pass, without keeping all.

    Every volume offers the slices nearest to its own percentiles; of these, `choose` takes the
    nearest to the percentiles over all slices. Blank slices have no PSNR and are passed over.
    """

    def __init__(self):
        self.decibels = []
        self.offers = []

    def add(self, volume: str, images: np.ndarray, prediction: np.ndarray) -> None:
        decibels = {
            index: psnr(images[index : index + 1], prediction[index : index + 1])
            for index in range(len(images))
            if images[index].any()
        }
        self.decibels += decibels.values()
        offered = {_nearest_key(decibels, percent) for percent in FIGURE_PERCENTILES.values()}
        for index in sorted(offered):
            self.offers.append((decibels[index], (volume, index, images[index].copy())))

    def choose(self) -> dict[str, tuple[str, int, np.ndarray]]:
        """Label -> (volume, slice index, target); fewer labels when there are fewer slices."""
        remaining = {number: decibels for number, (decibels, _) in enumerate(self.offers)}
        chosen = {}
        for label, percent in FIGURE_PERCENTILES.items():
            if remaining:
                number = _nearest_key(remaining, percent, of=self.decibels)
                del remaining[number]
                chosen[label] = self.offers[number][1]
        return chosen


def _nearest_key(decibels: dict[int, float], percent: float, of: list[float] | None = None) -> int:
    """The key whose value is nearest to a percentile, of these values or of others."""
    values = list(decibels.values()) if of is None else of
    wanted = float(np.percentile(values, percent, method="nearest"))
    return min(decibels, key=lambda key: (decibels[key] != wanted, abs(decibels[key] - wanted)))


def _check_volume(name: str, images: np.ndarray) -> None:
    if images.ndim != 3 or images.size == 0:
        raise InputError(f"Volume {name} must have the shape (slices, H, W), not {images.shape}.")
    if not (images.min() >= 0 and images.max() <= 1):
        raise InputError(
            f"Volume {name} must hold finite values in [0, 1]: divide each slice by its maximum."
        )


def _patient(volume: str, patients: Mapping[str, str] | None) -> str:
    if patients is None:
        return volume
    if volume not in patients:
        raise InputError(f"patients does not say whose volume {volume} is.")
    return patients[volume]


def _compiled(network: keras.Model, specification: dict[str, tf.TensorSpec]) -> Reconstructor:
    """The network as one graph for inputs of these shapes: `predict` costs more than it."""

    @tf.function(input_signature=[specification])
    def reconstruct(inputs):
        return tf.cast(network(inputs, training=False), tf.float32)

    return reconstruct


def _reconstruct(
    reconstructors: dict[str, Reconstructor],
    images: np.ndarray,
    degradation: Degradation,
    batch_size: int,
) -> dict[str, np.ndarray]:
    """The volume (slices, H, W) as it is seen without a network, and as every network sees it."""
    batches = {name: [] for name in (*degradation.baselines, *reconstructors)}
    for start in range(0, len(images), batch_size):
        image = images[start : start + batch_size, ..., np.newaxis]
        inputs = degradation.apply(image)
        for name, baseline in degradation.baselines.items():
            batches[name].append(np.asarray(baseline(image))[..., 0])
        for name, reconstruct in reconstructors.items():
            batches[name].append(reconstruct(inputs).numpy()[..., 0])
    return {name: np.concatenate(parts) for name, parts in batches.items()}


def _measure(volume: str, network: str, target: np.ndarray, prediction: np.ndarray) -> dict:
    if not np.isfinite(prediction).all():
        raise InputError(
            f"The network {network} returns NaN or infinity on volume {volume}: its weights are "
            "broken, evaluate another checkpoint."
        )
    try:
        return {name: metric(target, prediction) for name, metric in VOLUME_METRICS.items()}
    except InputError as error:
        raise InputError(f"Volume {volume} cannot be measured. {error}") from error


def _milliseconds(
    reconstructors: dict[str, Reconstructor], inputs: dict[str, tf.Tensor]
) -> dict[str, float]:
    """Median time of one call, in milliseconds, the output fetched to the host."""
    seconds = {name: [] for name in reconstructors}
    for run in range(WARM_UP_RUNS + TIMED_RUNS):
        for name, reconstruct in reconstructors.items():
            start = time.perf_counter()
            reconstruct(inputs).numpy()
            if run >= WARM_UP_RUNS:
                seconds[name].append(time.perf_counter() - start)
    return {name: 1000 * float(np.median(values)) for name, values in seconds.items()}
