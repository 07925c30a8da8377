"""The stages of one distillation, and what it refuses."""

from typing import Any

from kdmri_tf.distillation.feature_losses import feature_loss
from kdmri_tf.errors import InputError
from kdmri_tf.networks.network import Network
from kdmri_tf.networks.saved import weights_digest
from kdmri_tf.training.initial_networks import copy_for_training
from kdmri_tf.training.stage_trainer import StageTrainer


def check_weighting(method: str, alpha: float, joint: bool, feature_weight: float) -> None:
    """Refuses weights of losses that do not fit.

    Args:
        method, alpha, joint, feature_weight: as for `Experiment.distil`.

    Raises:
        InputError: alpha is not between 0 and 1, features have a weight but a stage of their own,
            or a joint stage has no features.
    """
    if joint and method == "none":
        raise InputError(
            "joint=True trains on features and images at once, but method 'none' compares no "
            "features: leave one of them out."
        )
    if not 0 <= alpha <= 1:
        raise InputError(f"alpha must lie between 0 and 1; got {alpha}.")
    if feature_weight != 1 and not joint:
        raise InputError(
            f"feature_weight {feature_weight:g} weighs features against images, which have stages "
            "of their own unless joint=True."
        )


def check_teacher(teacher: object) -> None:
    """Refuses a teacher of another kind, which stages could not tell from another.

    Raises:
        InputError: it is no network of this package.
    """
    if not isinstance(teacher, Network):
        raise InputError(
            f"The stages of an experiment need a DCCNN or VDSR; this teacher is a "
            f"{type(teacher).__name__}. A Distiller takes any Keras model."
        )


def check_method(method: str, teacher: Network, student: Network, batch_size: int) -> None:
    """Refuses a method that cannot compare these networks.

    Args:
        method: key of `FEATURE_LOSSES`, or "none".
        teacher, student: to be compared.
        batch_size: slices per step.

    Raises:
        InputError: the method is unknown, or cannot compare them.
    """
    if method != "none":
        feature_loss(method).check_networks(teacher, student, batch_size)


def train_distilled(
    stages: StageTrainer,
    student: Network,
    teacher: Network,
    method: str,
    *,
    alpha: float,
    joint: bool,
    feature_weight: float,
    variant: str,
    last_variant: str,
) -> Network:
    """Trains a student on its teacher: on features, then on images, or on both at once.

    Args:
        stages: trains each stage.
        student: with the weights to start from.
        teacher: trained network.
        method, alpha, joint, feature_weight, variant, last_variant: as for `Experiment.distil`.
    """

    def train(name: str, network: Network, **losses: Any) -> Network:
        return stages.train(name, network, teacher, weights_digest(network), **losses)

    name = f"{method}-{student.architecture}{variant}"
    last = f"{name}{last_variant}"
    mixture = {"imitation_weight": 1 - alpha, "student_loss_weight": alpha}
    if method == "none":
        return train(f"kd-{last}", student, **mixture)
    loss = feature_loss(method)
    if joint:
        weights = {**mixture, "feature_weight": feature_weight}
        return train(f"joint-{last}", student, feature_loss=loss, **weights)
    alone = {"feature_weight": 1.0, "imitation_weight": 0.0, "student_loss_weight": 0.0}
    similar = train(name, student, feature_loss=loss, **alone)
    return train(f"kd-{last}", copy_for_training(similar, stages.settings), **mixture)
