"""The slices of a figure: a good, a median and a bad one, found in one pass over all volumes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.evaluation.volume_metrics import psnr

FIGURE_PERCENTILES = {"good": 90, "median": 50, "bad": 10}


@dataclass(frozen=True, eq=False)
class FigureSlice:
    """Holds a slice to be shown: its target (H, W), and network -> reconstruction (H, W)."""

    label: str
    volume: str
    index: int
    target: NDArray[np.float32]
    reconstructions: dict[str, NDArray[np.float32]]


class FigureCandidates:
    """Finds the slices nearest to given percentiles of PSNR in one pass, without keeping all.

    Every volume offers the slices nearest to its own percentiles; of these, `choose` takes the
    nearest to the percentiles over all slices. Blank slices have no PSNR and are passed over.
    """

    def __init__(self) -> None:
        self._decibels: list[float] = []
        self._offers: list[tuple[float, tuple[str, int, NDArray[np.float32]]]] = []

    def add(
        self, volume: str, images: NDArray[np.float32], prediction: NDArray[np.float32]
    ) -> None:
        """Looks at a volume.

        Args:
            volume: its name.
            images: fully sampled, (slices, H, W).
            prediction: what a network made of them, the same shape.
        """
        decibels = {
            index: psnr(images[index : index + 1], prediction[index : index + 1])
            for index in range(len(images))
            if images[index].any()
        }
        self._decibels += decibels.values()
        offered = {_nearest_key(decibels, percent) for percent in FIGURE_PERCENTILES.values()}
        for index in sorted(offered):
            self._offers.append((decibels[index], (volume, index, images[index].copy())))

    def choose(self) -> dict[str, tuple[str, int, NDArray[np.float32]]]:
        """Returns label -> (volume, slice index, target), with fewer slices fewer labels."""
        remaining = {number: decibels for number, (decibels, _) in enumerate(self._offers)}
        chosen = {}
        for label, percent in FIGURE_PERCENTILES.items():
            if remaining:
                number = _nearest_key(remaining, percent, of=self._decibels)
                del remaining[number]
                chosen[label] = self._offers[number][1]
        return chosen


def _nearest_key(decibels: dict[int, float], percent: float, of: list[float] | None = None) -> int:
    """Finds the key whose value is nearest to a percentile of these values or of others."""
    values = list(decibels.values()) if of is None else of
    wanted = float(np.percentile(values, percent, method="nearest"))
    return min(decibels, key=lambda key: (decibels[key] != wanted, abs(decibels[key] - wanted)))
