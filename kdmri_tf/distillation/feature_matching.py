"""Which features of two networks are compared, where these differ in cascades or resolution."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import keras
import tensorflow as tf

from kdmri_tf.distillation.feature_loss import Loss
from kdmri_tf.networks.network import Network
from kdmri_tf.networks.pixel_shuffle import pixel_average


@dataclass(frozen=True)
class FeatureSelection:
    """Picks the features of one network that are compared, and averages them to a coarser grid.

    Attributes:
        picks: (which feature, factor of `pixel_average`) of each.
    """

    picks: tuple[tuple[int, int], ...]

    def __call__(self, features: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Returns the features that are compared, `(batch, h, w, channels)`.

        Args:
            features: of all cascades.
        """
        return [pixel_average(features[index], factor) for index, factor in self.picks]


@dataclass(frozen=True)
class FeatureMatching:
    """Pairs the features of a teacher and a student.

    Where both have as many cascades and the same resolution, pair i is what cascade i of both
    gives, as in the papers. Otherwise, with n the smaller number of cascades, pair i = 1 .. n has
    the feature of cascade round(i N / n) of a network with N: the last are always compared. Of two
    resolutions the finer is averaged over squares of pixels, so that both have one grid; every
    method then compares them as ever (FitNets, CC and FSP need as many channels in both). FSP
    relates each pair to the next, so that for it all have the coarsest grid.

    Attributes:
        teacher, student: what is compared of each.

    Example:
        >>> matching = FeatureMatching.of_factors([1] * 3, [2] * 5)
        >>> matching.teacher.picks, matching.student.picks
        (((0, 2), (1, 2), (2, 2)), ((1, 1), (2, 1), (4, 1)))
    """

    teacher: FeatureSelection
    student: FeatureSelection

    @classmethod
    def of(
        cls, teacher: keras.Model, student: keras.Model, loss: Loss | None = None
    ) -> Self | None:
        """Pairs the features of two networks for a loss; None for models of other kinds."""
        if not (isinstance(teacher, Network) and isinstance(student, Network)):
            return None
        one_grid = getattr(loss, "needs_one_grid", False)
        return cls.of_factors(teacher.feature_factors, student.feature_factors, one_grid)

    @classmethod
    def of_factors(
        cls, teacher: Sequence[int], student: Sequence[int], one_grid: bool = False
    ) -> Self:
        """Pairs features by how much each is smaller than the image, see `feature_factors`.

        Args:
            teacher, student: the factors of each.
            one_grid: whether all pairs have the same grid, or each its own.
        """
        number = min(len(teacher), len(student))
        indices = [
            [round(i * len(factors) / number) - 1 for i in range(1, number + 1)]
            for factors in (teacher, student)
        ]
        pairs = [(teacher[t], student[s]) for t, s in zip(*indices, strict=True)]
        grids = [math.lcm(*pair) for pair in pairs]
        if one_grid:
            grids = [math.lcm(*grids)] * number
        selections = (
            FeatureSelection(
                tuple((i, grid // factors[i]) for i, grid in zip(of_one, grids, strict=True))
            )
            for of_one, factors in zip(indices, (teacher, student), strict=True)
        )
        return cls(*selections)
