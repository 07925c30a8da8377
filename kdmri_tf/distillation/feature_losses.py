"""The losses that compare the features of a teacher and a student, by the names of their methods.

A new one has a file of its own, a class after `FeatureLoss`, and a line here and in `choices`.
"""

from kdmri_tf.distillation.attention_transfer import AttentionTransfer
from kdmri_tf.distillation.correlation_congruence import CorrelationCongruence
from kdmri_tf.distillation.feature_loss import FeatureLoss
from kdmri_tf.distillation.fitnets import FitNets
from kdmri_tf.distillation.flow_of_solution import FlowOfSolution
from kdmri_tf.distillation.similarity_preserving import SimilarityPreserving
from kdmri_tf.errors import InputError

# Name on the command line -> loss
FEATURE_LOSSES: dict[str, type[FeatureLoss]] = {
    "at": AttentionTransfer,
    "fitnets": FitNets,
    "cc": CorrelationCongruence,
    "fsp": FlowOfSolution,
    "sp": SimilarityPreserving,
}


def feature_loss(method: str) -> FeatureLoss:
    """Makes the loss of a method.

    Args:
        method: "at", "fitnets", "cc", "fsp" or "sp".

    Raises:
        InputError: an unknown name.
    """
    if method not in FEATURE_LOSSES:
        raise InputError(
            f"Unknown distillation method {method!r}; choose one of {', '.join(FEATURE_LOSSES)}."
        )
    return FEATURE_LOSSES[method]()
