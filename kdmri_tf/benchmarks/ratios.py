"""Ratios as benchmarks compute and print them."""

import statistics
from collections.abc import Mapping


def paired_ratio(speeds: Mapping[int, float], others: Mapping[int, float]) -> float | None:
    """Returns the median over rounds of the ratio of two speeds; None without a common round."""
    ratios = [speeds[number] / others[number] for number in speeds if number in others]
    return statistics.median(ratios) if ratios else None


def in_times(ratio: float | None) -> str:
    """Returns such as "2.00x"."""
    return "-" if ratio is None else f"{ratio:.2f}x"
