"""Where a network's training data came from, as JSON values: what must agree for its reuse."""

import hashlib
import json
from typing import Any

import numpy as np

from kdmri_tf.data.mri_data import MRIData
from kdmri_tf.physics.complex_undersampling import ComplexUndersampling
from kdmri_tf.physics.low_resolution import LowResolution
from kdmri_tf.physics.masks import phase_encode_axis
from kdmri_tf.physics.undersampling import Undersampling


def data_config(data: MRIData) -> dict[str, Any]:
    """Describes images and mask, which any result depends on."""
    return {
        "dataset": data.dataset,
        "source": data.source,
        "image_size": data.image_size,
        "data_sha256": data.fingerprint,
        "acceleration": round(data.acceleration, 4),
        "mask": data.mask_origin,
        "mask_sha256": hashlib.sha256(data.mask.tobytes()).hexdigest(),
        **_coils_config(data),
    }


def data_digest(data: MRIData) -> str:
    """Computes the SHA-256, in hexadecimal, of what a frozen network's outputs depend on."""
    config = {key: value for key, value in data_config(data).items() if key != "mask"}
    return hashlib.sha256(json.dumps(config).encode()).hexdigest()


def data_facts(data: MRIData) -> dict[str, Any]:
    """Describes how the images are degraded, for users of the network.

    Returns:
        The `label` of tables, and either `scale` or, for a mask of whole lines, `phase_encode_axis`
        and the `measured_lines` along it, 0 the lowest frequency; of a drawn one its
        `center_lines`. Of complex images, the number of `coils`.
    """
    degradation = data.degradation
    facts: dict[str, Any] = {"label": degradation.label}
    if data.coils is not None:
        facts["coils"] = data.coils
    if isinstance(degradation, LowResolution):
        return {**facts, "scale": degradation.scale}
    axis = phase_encode_axis(data.mask)
    if axis is None:
        return facts
    if isinstance(degradation, Undersampling) and degradation.center_lines is not None:
        facts["center_lines"] = degradation.center_lines
    lines = np.flatnonzero(data.mask.any(axis=1 - axis)).tolist()
    return {**facts, "phase_encode_axis": axis, "measured_lines": lines}


def variation_config(data: MRIData) -> dict[str, Any]:
    """Describes what changes the training slices from epoch to epoch.

    Returns:
        `augment`, its name or None, and `random_masks`, a bool; None where nothing varies.
    """
    variation = data.variation
    if variation is None:
        return {"augment": None, "random_masks": None}
    return {"augment": variation.augment_name, "random_masks": variation.masks is not None}


def _coils_config(data: MRIData) -> dict[str, Any]:
    """Describes the coils of complex images; magnitude images say nothing of them, as ever."""
    if not isinstance(data.degradation, ComplexUndersampling):
        return {}
    acquisition = data.degradation.acquisition
    return {
        "coils": data.degradation.coils,
        "acquisition": None if acquisition is None else acquisition.config,
    }
