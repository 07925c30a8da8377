"""Evaluates networks on degraded volumes: reconstructs, measures and times them.

One volume is in memory at a time; beside the values, at most three slices of each are kept until
the slices for the figure can be chosen.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

from kdmri_tf.compute.parallel import describe_device
from kdmri_tf.errors import InputError
from kdmri_tf.evaluation.figure_slices import FigureCandidates, FigureSlice
from kdmri_tf.evaluation.reconstructions import compiled, milliseconds, reconstruct
from kdmri_tf.evaluation.report import Evaluation
from kdmri_tf.evaluation.volume_metrics import VOLUME_METRICS
from kdmri_tf.evaluation.volume_slices import Volume, volume_slices
from kdmri_tf.networks.network import Network
from kdmri_tf.networks.saved import WEIGHTS_DIGEST, weights_digest
from kdmri_tf.physics.degradation import Degradation, Inputs
from kdmri_tf.physics.undersampling import Undersampling
from kdmri_tf.progress import follow


def evaluate(
    networks: Mapping[str, keras.Model],
    volumes: Iterable[tuple[str, Volume]],
    degradation: Degradation | NDArray,
    batch_size: int = 8,
    progress: bool = True,
    *,
    dataset: str,
    source: str,
    acceleration: str,
    patients: Mapping[str, str] | None = None,
    baselines: Mapping[str, Callable[[Inputs], ArrayLike]] | None = None,
) -> Evaluation:
    """Degrades every volume, reconstructs it with each network and measures what comes back.

    The first rows are what can be seen without a network: always the zero-filled image, |F^-1 y| or
    |A^H y|, and, for low resolution, bicubic interpolation. Metrics are those of `volume_metrics`,
    of complex images those of their magnitudes, each slice divided by its target's maximum. A
    good, a median and a bad slice are kept for the figure: near the 90th, 50th and 10th percentile
    of the last network's PSNR per slice. Time is the median of 15 runs at batch size 1, the
    networks taking turns, so that a slow moment of the machine meets them all.

    Args:
        networks: name -> model from the inputs of the degradation to images float32
            (batch, H, W, 1), or (batch, H, W, 2) where they are complex. The names "teacher",
            "student" and "KD student" bring the comparisons of `report`.
        volumes: (name, images) with images float32 (slices, H, W), each slice divided by its own
            maximum; all volumes of one size. For `ComplexUndersampling`: fully sampled k-space
            float32 (slices, coils, H, W, 2), unshifted and ortho, or images that it simulates scans
            of. What `MRIData.volumes` yields is of the right kind. Read once.
        degradation: what the networks undo; a mask (H, W) of 0 and 1, unshifted, stands for
            `Undersampling` by it.
        batch_size: slices that a network reconstructs at once; does not change the values.
        progress: shows on stderr how many volumes are done, see `kdmri_tf.progress`.
        dataset: anatomy, for the titles.
        source: where the data comes from; "synthetic" is written into every result.
        acceleration: what was asked for, as a label such as "4x".
        patients: volume name -> patient; None if every volume has a patient of its own. Tests
            compare patients, as volumes of one patient are not independent samples.
        baselines: other rows without a network: name -> function from the inputs, a dictionary of
            tensors, to images as networks return them.

    Raises:
        InputError: no volume; a volume whose patient is not given, or that is blank, not
            (slices, H, W) or not in [0, 1]; a mask of another size; a network called "zero-filled",
            made for another degradation, or that returns NaN or infinity.

    Example:
        >>> from kdmri_tf import DCCNN, equispaced_mask, evaluate, phantom_volume
        >>> volume = phantom_volume("brain", (48, 40), num_slices=2, seed=0)
        >>> mask = equispaced_mask((48, 40), acceleration=4, center_lines=4)
        >>> result = evaluate({"student": DCCNN(2, 1, filters=4)}, [("phantom", volume)], mask,
        ...                   dataset="brain", source="synthetic", acceleration="4x")
        >>> list(result.networks), len(result.values("student", "psnr"))
        (['zero-filled', 'student'], 1)
    """
    if not isinstance(degradation, Degradation):
        degradation = Undersampling(degradation)
    of_inputs = {name: _of_inputs(function) for name, function in (baselines or {}).items()}
    all_baselines = {**degradation.baselines, **of_inputs}
    for name in all_baselines:
        if name in networks:
            raise InputError(
                f'"{name}" is the row without a network: give the network another name.'
            )
    if batch_size < 1:
        raise InputError(f"The batch size must be at least 1, not {batch_size}.")
    for network in networks.values():
        if isinstance(network, Network):
            network.check_degradation(degradation)
    graphs = {
        name: compiled(network, degradation.input_specification)
        for name, network in networks.items()
    }
    *_, last = {**all_baselines, **graphs}

    records = []
    candidates = FigureCandidates()
    for volume, given in follow(volumes, what="evaluating", unit="volume", is_shown=progress):
        slices = volume_slices(volume, given, degradation)
        patient = _patient(volume, patients)
        target, reconstructions = reconstruct(
            graphs, slices, degradation, batch_size, all_baselines
        )
        true_acceleration = degradation.acceleration(target.shape[1:])
        for name, prediction in reconstructions.items():
            values = _measure(volume, name, target, prediction)
            facts = {"volume": volume, "patient": patient, "network": name, "slices": len(target)}
            records.append({**facts, **values})
        candidates.add(volume, slices, target, reconstructions[last])
    if not records:
        raise InputError("There is no volume to evaluate: the split is empty.")

    figure_slices = []
    for label, (volume, index, one) in candidates.choose().items():
        target, shown = reconstruct(graphs, one, degradation, 1, all_baselines)
        images = {name: image[0] for name, image in shown.items()}
        figure_slices.append(FigureSlice(label, volume, index, target[0], images))

    return Evaluation(
        dataset=dataset,
        source=source,
        acceleration=acceleration,
        true_acceleration=true_acceleration,
        device=describe_device(),
        records=records,
        networks=_describe(networks, all_baselines, degradation.pair(**one)[0]),
        figure_slices=figure_slices,
    )


def _of_inputs(function: Callable[[Inputs], ArrayLike]) -> Callable[[Inputs, tf.Tensor], ArrayLike]:
    """Returns a baseline, which may look at the target, of one that does not."""
    return lambda inputs, target: function(inputs)


def _describe(
    networks: Mapping[str, keras.Model], baselines: Iterable[str], inputs: Inputs
) -> dict[str, dict[str, Any]]:
    """Counts parameters, measures the time of one slice, and says which weights these were."""
    # For one slice, as the parts of larger batches may go side by side.
    single = tf.nest.map_structure(tf.type_spec_from_value, inputs)
    times = milliseconds({name: compiled(net, single) for name, net in networks.items()}, inputs)
    facts: dict[str, dict[str, Any]] = {
        name: {"parameters": None, "milliseconds": None} for name in baselines
    }
    for name, network in networks.items():
        facts[name] = {
            "parameters": network.count_params(),
            "milliseconds": times[name],
            WEIGHTS_DIGEST: weights_digest(network),
        }
    return facts


def _patient(volume: str, patients: Mapping[str, str] | None) -> str:
    if patients is None:
        return volume
    if volume not in patients:
        raise InputError(
            f"patients has no entry for the volume {volume}: say which patient's it is."
        )
    return patients[volume]


def _measure(
    volume: str, network: str, target: NDArray[np.float32], prediction: NDArray[np.float32]
) -> dict[str, float]:
    if not np.isfinite(prediction).all():
        raise InputError(
            f"The network {network} returns NaN or infinity on volume {volume}: its weights are "
            "broken; evaluate another checkpoint."
        )
    try:
        return {name: metric(target, prediction) for name, metric in VOLUME_METRICS.items()}
    except InputError as error:
        raise InputError(f"Volume {volume} cannot be measured. {error}") from error
