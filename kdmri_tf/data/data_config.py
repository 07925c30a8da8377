"""What a network owes to its data, as JSON values: a stage is reused only where they agree."""

import hashlib
import json

import numpy as np

from kdmri_tf.physics.low_resolution import LowResolution
from kdmri_tf.physics.masks import phase_encode_axis


def data_config(data):
    """Images and mask: what any result depends on.

    Args:
        data: `MRIData`.
    """
    return {
        "dataset": data.dataset,
        "source": data.source,
        "image_size": data.image_size,
        "data_sha256": data.fingerprint,
        "acceleration": round(data.acceleration, 4),
        "mask": data.mask_origin,
        "mask_sha256": hashlib.sha256(data.mask.tobytes()).hexdigest(),
    }


def data_digest(data):
    """SHA-256 of images and mask, in hexadecimal: what a frozen network's outputs depend on."""
    config = {key: value for key, value in data_config(data).items() if key != "mask"}
    return hashlib.sha256(json.dumps(config).encode()).hexdigest()


def data_facts(data):
    """How the images are degraded: what a network's user asks, and `data_config` has as a digest.

    The `label` of tables, and either `scale` or, of a mask of whole lines, `phase_encode_axis` and
    the `measured_lines` along it, 0 the lowest frequency.

    Args:
        data: `MRIData`.
    """
    degradation = data.degradation
    facts = {"label": degradation.label}
    if isinstance(degradation, LowResolution):
        return {**facts, "scale": degradation.scale}
    axis = phase_encode_axis(data.mask)
    if axis is None:
        return facts
    lines = np.flatnonzero(data.mask.any(axis=1 - axis)).tolist()
    return {**facts, "phase_encode_axis": axis, "measured_lines": lines}


def variation_config(data):
    """What the training slices alone depend on; None where they are the same every epoch.

    Args:
        data: `MRIData`.
    """
    variation = data.variation
    if variation is None:
        return {"augment": None, "random_masks": None}
    return {"augment": variation.augment_name, "random_masks": variation.masks is not None}
