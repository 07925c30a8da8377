"""The table of an evaluation in Markdown, with its caption and its comparisons in words."""

import math
from typing import Any

from kdmri_tf.evaluation.markdown import markdown_table

# Metric -> (heading, digits)
COLUMNS = {"psnr": ("PSNR [dB]", 2), "ssim": ("SSIM", 4), "nmse": ("NMSE", 4), "hfn": ("HFN", 4)}
COMPARED = {"psnr": "{:.2f} dB", "ssim": "{:.4f}"}  # metric -> how a difference in it is shown


def evaluation_table(summary: dict[str, Any], patients: list[str]) -> str:
    """Writes the table of all networks with its caption, and the comparisons that apply.

    Args:
        summary: what `Evaluation.summary` returns.
        patients: the patient of every volume.
    """
    headings = ["", *(heading for heading, _ in COLUMNS.values()), "parameters", "ms/slice"]
    rows = [_row(name, facts) for name, facts in summary["networks"].items()]
    caption = (
        f"**{summary['title']}.** Mean ± one sample standard deviation over "
        f"{counted_volumes(patients)} ({summary['slices']} slices); time at batch size 1 "
        f"on {summary['device']}. {summary['conditions']}".rstrip()
    )
    notes = [
        f"{COLUMNS[metric][0].split()[0]}: {sentence}"
        for metric, comparison in summary["comparisons"].items()
        for sentence in _sentences(comparison, COMPARED[metric])
    ]
    return "\n\n".join([caption, markdown_table(headings, rows), *notes]) + "\n"


def with_deviation(mean: float, deviation: float | None, digits: int) -> str:
    """Writes mean and deviation such as "31.68 ± 2.34"; the mean alone without a deviation."""
    has_spread = deviation is not None and math.isfinite(deviation)
    spread = f" ± {deviation:.{digits}f}" if has_spread else ""
    return f"{mean:.{digits}f}{spread}"


def counted_volumes(patients: list[str]) -> str:
    """Counts volumes and patients in words, such as "20 volumes of 10 patients".

    Args:
        patients: the patient of every volume.
    """
    volumes, different = len(patients), len(set(patients))
    of_patients = "" if different == volumes else f" of {different} patients"
    return f"{volumes} volume{'s' * (volumes != 1)}{of_patients}"


def _row(name: str, facts: dict[str, Any]) -> list[str]:
    cells = [name]
    for metric, (_, digits) in COLUMNS.items():
        cells.append(with_deviation(facts[metric]["mean"], facts[metric]["std"], digits))
    cells.append("-" if facts["parameters"] is None else f"{facts['parameters']:,}")
    cells.append("-" if facts["milliseconds"] is None else f"{facts['milliseconds']:.1f}")
    return cells


def _sentences(comparison: dict[str, Any], difference: str) -> list[str]:
    sentences = []
    if "gap_closed_percent" in comparison:
        share = comparison["gap_closed_percent"]
        sentences.append(
            "gap closed n/a (the teacher is not better than the student)."
            if share is None
            else f"distillation closes {share:.0f} % of the gap of "
            f"{difference.format(comparison['gap'])} between student and teacher."
        )
    if "wilcoxon_p" in comparison:
        p_value = comparison["wilcoxon_p"]
        result = f"n/a ({comparison['wilcoxon_note']})" if p_value is None else f"p = {p_value:.2g}"
        sentences.append(
            f"KD student against student, two-sided Wilcoxon signed-rank test over patients, "
            f"{result}."
        )
    return sentences
