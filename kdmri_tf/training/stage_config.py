"""What determines the network of a stage, as JSON values: a stage is reused where they agree."""

import warnings
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras

from kdmri_tf.data.mri_data import MRIData
from kdmri_tf.data.provenance import data_config, variation_config
from kdmri_tf.distillation.student_friendly import StudentFriendlyTeacher
from kdmri_tf.errors import InputError
from kdmri_tf.networks.saved import weights_digest
from kdmri_tf.training.initial_networks import SETTINGS_OF_NETWORKS
from kdmri_tf.training.settings import TrainingSettings
from kdmri_tf.training.stage_differences import differing, read_config
from kdmri_tf.zoo.cards import card_of

# What a student that others are compared with must have in common with them.
SETTINGS_OF_A_BASELINE = (
    *("epochs", "batch_size", "learning_rate", "schedule", "precision"),
    "ema_momentum",
)


def stage_config(
    name: str,
    network: keras.Model,
    data: MRIData,
    settings: TrainingSettings,
    weights: Mapping[str, Any],
    teacher: keras.Model | None = None,
    initial_digest: str | None = None,
) -> dict[str, Any]:
    """Returns the configuration of one stage.

    Args:
        name: of the stage.
        network: the network, or `StudentFriendlyTeacher`, to be trained.
        data: that it is trained on.
        settings: of its training; those that this kind of network does not have are left out.
        weights: of the losses, name -> number, and what else is chosen about them.
        teacher: trained network, or None.
        initial_digest: of the initial weights where these are not the seed's own, or None.
    """
    architecture = _architecture(network)
    absent = set(SETTINGS_OF_NETWORKS) - architecture.keys()
    return {
        "stage": name,
        **data_config(data),
        "teacher_sha256": None if teacher is None else weights_digest(teacher),
        "start_sha256": initial_digest,
        **variation_config(data),
        **weights,
        **{name: value for name, value in asdict(settings).items() if name not in absent},
        **architecture,
    }


def warn_of_other_training(
    name: str, path: Path | str, data: MRIData, settings: TrainingSettings | None = None
) -> None:
    """Warns where a network that is given as a file was trained differently, if that is known.

    Args:
        name: of the network, for the warning.
        path: of the `.keras` file; the folder of its stage tells. Or name of the zoo.
        data: whose images and mask it must share.
        settings: that it must share, too; None for any.
    """
    config = data_config(data)
    if settings is not None:
        config |= variation_config(data)
        config |= {name: getattr(settings, name) for name in SETTINGS_OF_A_BASELINE}
    try:
        card = card_of(path)
        earlier = read_config(Path(path).parent) if card is None else card["training"]["config"]
        different = differing(earlier, config)
    except InputError:  # the folder of something else
        return
    if different:
        warnings.warn(f"The {name} {path} was trained differently: {different}.", stacklevel=3)


def _architecture(network: keras.Model) -> dict[str, Any]:
    """Describes a network, or the two that are trained together."""
    if isinstance(network, StudentFriendlyTeacher):
        return {**_architecture(network.teacher), "student": _architecture(network.student)}
    return {"architecture": network.architecture, **network.hyperparameters}
