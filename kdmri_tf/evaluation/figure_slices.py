"""The slices of a figure: a good, a median and a bad one, found in one pass over all volumes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.evaluation.volume_metrics import psnr
from kdmri_tf.evaluation.volume_slices import Slices

FIGURE_PERCENTILES = {"good": 90, "median": 50, "bad": 10}
# Bytes of slices that wait to be chosen; images never need as much, k-space may.
LARGEST_MEMORY = 2**30


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
        self._offers: list[tuple[float, tuple[str, int, Slices]]] = []

    def add(
        self,
        volume: str,
        slices: Slices,
        target: NDArray[np.float32],
        prediction: NDArray[np.float32],
    ) -> None:
        """Looks at a volume.

        Args:
            volume: its name.
            slices: fully sampled, as a degradation takes them.
            target: their images, (slices, H, W).
            prediction: what a network made of them, the same shape.
        """
        decibels = {
            index: psnr(target[index : index + 1], prediction[index : index + 1])
            for index in range(len(target))
            if target[index].any()
        }
        self._decibels += decibels.values()
        offered = {_nearest_key(decibels, percent) for percent in FIGURE_PERCENTILES.values()}
        for index in sorted(offered):
            one = {name: values[index : index + 1].copy() for name, values in slices.items()}
            self._offers.append((decibels[index], (volume, index, one)))
        self._forget()

    def choose(self) -> dict[str, tuple[str, int, Slices]]:
        """Returns label -> (volume, slice index, this slice), with fewer slices fewer labels."""
        remaining = {number: decibels for number, (decibels, _) in enumerate(self._offers)}
        chosen = {}
        for label, percent in FIGURE_PERCENTILES.items():
            if remaining:
                number = _nearest_key(remaining, percent, of=self._decibels)
                del remaining[number]
                chosen[label] = self._offers[number][1]
        return chosen

    def _forget(self) -> None:
        """Drops the half that is farthest from the percentiles so far, if it takes much memory."""
        size = sum(part.nbytes for _, (_, _, one) in self._offers for part in one.values())
        if size <= LARGEST_MEMORY:
            return
        ranked, wanted = np.sort(self._decibels), np.array([*FIGURE_PERCENTILES.values()])

        def distance(offer: tuple[float, Any]) -> float:
            percentile = 100 * np.searchsorted(ranked, offer[0]) / len(ranked)
            return float(np.abs(percentile - wanted).min())

        self._offers.sort(key=distance)
        del self._offers[max(len(wanted), len(self._offers) // 2) :]


def _nearest_key(decibels: dict[int, float], percent: float, of: list[float] | None = None) -> int:
    """Finds the key whose value is nearest to a percentile of these values or of others."""
    values = list(decibels.values()) if of is None else of
    wanted = float(np.percentile(values, percent, method="nearest"))
    return min(decibels, key=lambda key: (decibels[key] != wanted, abs(decibels[key] - wanted)))
