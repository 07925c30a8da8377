"""Statistics of an evaluation: spread over volumes, gap closed, and a test over patients."""

import math

import numpy as np
import scipy.stats
from numpy.typing import ArrayLike, NDArray

FEWEST_PATIENTS_FOR_A_TEST = 6  # with five, the smallest two-sided p-value is 0.0625


def mean_and_deviation(values: NDArray[np.float64]) -> dict[str, float]:
    """Computes mean and sample standard deviation (n - 1).

    The deviation of a single value, and with an infinite one (the PSNR of a perfect
    reconstruction), is NaN.
    """
    with np.errstate(invalid="ignore"):
        deviation = np.std(values, ddof=1) if len(values) > 1 else math.nan
    return {"mean": float(np.mean(values)), "std": float(deviation)}


def gap_closed(teacher: float, student: float, distilled: float) -> float | None:
    """Computes the share of the gap between student and teacher that distillation closes.

    100 (distilled - student) / (teacher - student) percent, of mean values for which more is
    better; None when the teacher is not better than the student, so that there is no gap.
    """
    if not teacher > student:
        return None
    return float(100 * (distilled - student) / (teacher - student))


def wilcoxon(distilled: ArrayLike, student: ArrayLike) -> tuple[float | None, str]:
    """Runs the two-sided Wilcoxon signed-rank test on paired values, one pair per patient.

    Returns:
        (p-value, ""), or (None, the reason) when there are fewer than 6 patients or no differences.
    """
    first, second = np.asarray(distilled), np.asarray(student)
    if len(first) < FEWEST_PATIENTS_FOR_A_TEST:
        return None, f"needs {FEWEST_PATIENTS_FOR_A_TEST} patients or more, here {len(first)}"
    if np.array_equal(first, second):
        return None, "all differences are zero"
    return float(scipy.stats.wilcoxon(first, second).pvalue), ""
