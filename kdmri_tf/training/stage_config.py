"""What determines the network of a stage, as JSON values: a stage is reused where they agree."""

import warnings
from dataclasses import asdict
from pathlib import Path

from kdmri_tf.data.data_config import data_config, variation_config
from kdmri_tf.distillation.student_friendly import StudentFriendlyTeacher
from kdmri_tf.errors import InputError
from kdmri_tf.networks.saved import weights_digest
from kdmri_tf.training.initial_networks import SETTINGS_OF_NETWORKS
from kdmri_tf.training.stage_differences import differences

# What a student that others are compared with must have in common with these.
SETTINGS_OF_A_BASELINE = ("epochs", "batch_size", "learning_rate", "schedule", "precision")


def stage_config(name, network, data, settings, weights, teacher=None, start=None):
    """The configuration of one stage.

    Args:
        name: of the stage.
        network: the network, or `StudentFriendlyTeacher`, to be trained.
        data: `MRIData`.
        settings: `TrainingSettings`; those that this kind of network does not have are left out.
        weights: of the losses, name -> number, and what else is chosen of them.
        teacher: trained network, or None.
        start: digest of the initial weights where these are not the seed's own, or None.
    """
    architecture = _architecture(network)
    absent = set(SETTINGS_OF_NETWORKS) - architecture.keys()
    return {
        "stage": name,
        **data_config(data),
        "teacher_sha256": None if teacher is None else weights_digest(teacher),
        "start_sha256": start,
        **variation_config(data),
        **weights,
        **{name: value for name, value in asdict(settings).items() if name not in absent},
        **architecture,
    }


def warn_of_differences(name, path, data, settings=None):
    """Warns where a network that is given as a file was trained otherwise, as far as it is known.

    Args:
        name: of the network, for the warning.
        path: of the `.keras` file, whose stage's folder tells.
        data: `MRIData`.
        settings: `TrainingSettings` that it must share, too; None where its images and mask alone
            have to be the same.
    """
    config = data_config(data)
    if settings is not None:
        config |= variation_config(data)
        config |= {name: getattr(settings, name) for name in SETTINGS_OF_A_BASELINE}
    try:
        different = differences(Path(path).parent, config)
    except InputError:  # the folder of something else
        return
    if different:
        warnings.warn(f"The {name} {path} was trained otherwise: {different}.", stacklevel=3)


def _architecture(network):
    """What is to be known of a network, or of the two that are trained together."""
    if isinstance(network, StudentFriendlyTeacher):
        return {**_architecture(network.teacher), "student": _architecture(network.student)}
    return {"architecture": network.architecture, **network.hyperparameters}
