"""What a network owes to its data, as JSON values: a stage is reused only where they agree."""

import hashlib


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


def variation_config(data):
    """What the training slices alone depend on; None where they are the same every epoch.

    Args:
        data: `MRIData`.
    """
    variation = data.variation
    if variation is None:
        return {"augment": None, "random_masks": None}
    return {"augment": variation.augment_name, "random_masks": variation.masks is not None}
