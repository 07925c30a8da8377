"""Losses that compare the features of a teacher and a student, one class a method.

Every loss is called as `loss(teacher_features, student_features)` with two lists, one activation
`(batch, H, W, channels)` a cascade, and gives a float32 scalar. Here A_j is the activation of
cascade j, vec makes one vector of each sample, and a mean is over everything that is not summed.
"""

import itertools
import math

import keras
from keras import ops

from kdmri_tf.compute.xla_fusion import fused
from kdmri_tf.distillation.feature_loss import FeatureLoss
from kdmri_tf.errors import InputError

# Below this a squared norm counts as zero, which keeps the gradient finite where maps are all zero
# or equal. Attention maps reach it when all activations are under 1e-8.
TINY = 1e-30


@keras.saving.register_keras_serializable(package="kdmri_tf")
class AttentionTransfer(FeatureLoss):
    """Distance of the normalised spatial attention maps of teacher and student.

    ::

        Q_j = vec(sum over channels of |A_j|^2)
        loss = sum over j of mean || Q_Sj / ||Q_Sj||_2 - Q_Tj / ||Q_Tj||_2 ||_2

    Channel counts may differ; sizes may not.

    Source: KD-MRI (2020), equation 4, after Zagoruyko and Komodakis (2017). (The released code
    normalises over the batch axis instead, which makes the loss zero for a batch of one.)
    """

    is_compact = True
    needs_equal_channels = False
    takes_any_dtype = True

    def __init__(self, name="attention_transfer", **kwargs):
        super().__init__(name=name, **kwargs)

    def describe(self, features):
        return [_normalized(_flat(_sum_of_squares(feature))) for feature in features]

    def compare(self, teacher, student):
        return sum(ops.mean(_distance(t, s)) for t, s in zip(teacher, student, strict=True))


@keras.saving.register_keras_serializable(package="kdmri_tf")
class FitNets(FeatureLoss):
    """Mean squared difference of the activations themselves ("hints")::

        loss = mean over j of mean (A_Sj - A_Tj)^2

    Channel counts and sizes must be equal: no regressor stands between the two, as the matched
    layers of teacher and student have one shape.

    Source: Romero et al. (2015), equation 3; as in SFT-KD-Recon (2023).
    """

    takes_any_dtype = True

    def __init__(self, name="fitnets", **kwargs):
        super().__init__(name=name, **kwargs)

    def compare(self, teacher, student):
        return _mean(
            ops.mean(_squared_distance(s, t)) / s.shape[-1]
            for t, s in zip(teacher, student, strict=True)
        )


@keras.saving.register_keras_serializable(package="kdmri_tf")
class SimilarityPreserving(FeatureLoss):
    """Difference of the similarities between the slices of a batch::

        G = V V^T with the rows V_b = vec(A_j of slice b); every row of G divided by its L2 norm
        loss = mean over j of mean (G_S - G_T)^2

    Channel counts may differ. A batch of one is similar to itself: it has loss 0.

    Source: Tung and Mori (2019), equations 1 to 4; as in SFT-KD-Recon (2023).
    """

    smallest_batch = 2
    needs_equal_channels = False
    takes_any_dtype = True

    def __init__(self, name="similarity_preserving", **kwargs):
        super().__init__(name=name, **kwargs)

    def compare(self, teacher, student):
        return _mean(
            ops.mean(ops.square(_similarities(s) - _similarities(t)))
            for t, s in zip(teacher, student, strict=True)
        )


@keras.saving.register_keras_serializable(package="kdmri_tf")
class CorrelationCongruence(FeatureLoss):
    """Correlation, from slice to slice, of what the student's activations lack::

        D_b = |A_Sj - A_Tj| of slice b
        loss = mean over j of mean over consecutive slices b, b + 1 of a batch and over pixels of
               sum over channels of D_b D_{b+1}

    Channel counts and sizes must be equal. A batch of one has no neighbours and loss 0.

    Source: Peng et al. (2019), in the pairwise form used by SFT-KD-Recon (2023), without embedding.
    """

    smallest_batch = 2
    takes_any_dtype = True

    def __init__(self, name="correlation_congruence", **kwargs):
        super().__init__(name=name, **kwargs)

    def compare(self, teacher, student):
        return _mean(_congruence(s, t) for t, s in zip(teacher, student, strict=True))


@keras.saving.register_keras_serializable(package="kdmri_tf")
class FlowOfSolution(FeatureLoss):
    """Difference of how the activations of consecutive cascades relate (FSP matrices)::

        F_j = (1 / HW) sum over pixels of A_j A_{j+1}^T        (channels of j, channels of j + 1)
        loss = mean over j of mean (F_Sj - F_Tj)^2

    Channel counts must be equal, and there must be two cascades or more.

    Source: Yim et al. (2017), equations 1 and 2; as in SFT-KD-Recon (2023).
    """

    is_compact = True
    fewest_cascades = 2
    takes_any_dtype = True

    def __init__(self, name="flow_of_solution", **kwargs):
        super().__init__(name=name, **kwargs)

    def describe(self, features):
        return [_flow(first, second) for first, second in itertools.pairwise(features)]

    def compare(self, teacher, student):
        return _mean(ops.mean(ops.square(s - t)) for t, s in zip(teacher, student, strict=True))


# Name on the command line -> loss
FEATURE_LOSSES = {
    "at": AttentionTransfer,
    "fitnets": FitNets,
    "cc": CorrelationCongruence,
    "fsp": FlowOfSolution,
    "sp": SimilarityPreserving,
}


def feature_loss(method):
    """The loss of that name: "at", "fitnets", "cc", "fsp" or "sp".

    Raises:
        InputError: an unknown name.
    """
    if method not in FEATURE_LOSSES:
        raise InputError(
            f"Unknown distillation method {method!r}; choose one of {', '.join(FEATURE_LOSSES)}."
        )
    return FEATURE_LOSSES[method]()


def _mean(values):
    values = list(values)
    return sum(values) / len(values)


def _flat(tensor):
    """`(batch, ...)` to `(batch, everything else)`."""
    _, *sizes = ops.shape(tensor)
    return ops.reshape(tensor, (-1, math.prod(sizes)))


def _normalized(vectors):
    """Rows divided by their L2 norm; a row of zeros stays."""
    squared_norm = ops.sum(ops.square(vectors), axis=-1, keepdims=True)
    return vectors * ops.rsqrt(ops.maximum(squared_norm, TINY))


def _distance(first, second):
    """L2 distance of rows."""
    squared = ops.sum(ops.square(first - second), axis=-1)
    return ops.sqrt(ops.maximum(squared, TINY))


@fused
def _sum_of_squares(feature):
    """Over channels: `(batch, H, W)`."""
    return ops.sum(ops.square(feature), axis=-1)


@fused
def _squared_distance(first, second):
    """The sum over channels of squared differences, `(batch, H, W)`."""
    return ops.sum(ops.square(first - second), axis=-1)


@fused
def _products_of_neighbours(first, second):
    """The sum over channels of D_b D_{b+1} with D = |first - second|, `(batch - 1, H, W)`."""
    differences = ops.abs(first - second)
    return ops.sum(differences[:-1] * differences[1:], axis=-1)


def _similarities(feature):
    vectors = _flat(ops.cast(feature, "float32"))
    return _normalized(ops.matmul(vectors, ops.transpose(vectors)))


def _congruence(first, second):
    """The mean of these products over consecutive slices and pixels; 0 of a single slice."""
    batch, height, width, _ = ops.shape(first)
    pairs = ops.cast(ops.maximum(batch - 1, 1) * height * width, "float32")
    return ops.sum(_products_of_neighbours(first, second)) / pairs


def _flow(first, second):
    """The FSP matrices `(batch, channels, channels)` of two activations."""
    _, height, width, _ = ops.shape(first)
    first, second = (
        ops.reshape(ops.cast(feature, "float32"), (-1, height * width, feature.shape[-1]))
        for feature in (first, second)
    )
    return ops.matmul(ops.transpose(first, (0, 2, 1)), second) / ops.cast(height * width, "float32")
