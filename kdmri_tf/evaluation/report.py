"""What an evaluation found: per-volume values, the table of the papers, and two comparisons.

Spread is the sample standard deviation (n - 1) over volumes; a single volume has none. P-values are
over patients: volumes of one patient are alike, and count as one by their mean. Results on
synthetic data say so in the title, the table, the CSV and the JSON file.
"""

import csv
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import scipy.stats

TEACHER, FRIENDLY_TEACHER = "teacher", "SFT teacher"
STUDENT, DISTILLED = "student", "KD student"
FEWEST_PATIENTS_FOR_A_TEST = 6  # with five, the smallest two-sided p-value is 0.0625
COLUMNS = {"psnr": ("PSNR [dB]", 2), "ssim": ("SSIM", 4), "nmse": ("NMSE", 4), "hfn": ("HFN", 4)}
COMPARED = {"psnr": "{:.2f} dB", "ssim": "{:.4f}"}  # metric -> how a difference in it is shown


@dataclass(frozen=True, eq=False)
class FigureSlice:
    """One slice to be shown: its target (H, W) and its reconstructions, network -> (H, W)."""

    label: str
    volume: str
    index: int
    target: np.ndarray
    reconstructions: dict[str, np.ndarray]


@dataclass
class Evaluation:
    """Values of every network on every volume.

    Attributes:
        dataset: anatomy, such as "cardiac".
        source: where the data comes from, such as "acdc" or "synthetic".
        acceleration: what was asked for, as a label such as "4x" or "4x super-resolution".
        true_acceleration: all k-space samples over measured samples.
        device: what the times were measured on.
        records: one dictionary a volume and network: `volume`, `patient`, `network`, `slices`,
            `psnr` [dB], `ssim`, `nmse`, `hfn`; the volumes of each network in the same order.
        networks: name -> `parameters`, `milliseconds` a slice and `weights_sha256`; None or missing
            for rows without a network, of which zero-filled is always the first.
        figure_slices: a good, a median and a bad slice, for `figures.reconstruction_figure`.
    """

    dataset: str
    source: str
    acceleration: str
    true_acceleration: float
    device: str
    records: list[dict]
    networks: dict[str, dict]
    figure_slices: list[FigureSlice] = field(default_factory=list)

    @property
    def title(self) -> str:
        """Data set, source and acceleration; begins with a warning when the data is synthetic."""
        warning = "SYNTHETIC data, not MRI: " if self.source == "synthetic" else ""
        return (
            f"{warning}{self.dataset} ({self.source}), {self.acceleration} "
            f"(true acceleration {self.true_acceleration:.2f})"
        )

    def values(self, network: str, metric: str) -> np.ndarray:
        """The metric of every volume, in the order of the evaluation."""
        return np.array([r[metric] for r in self.records if r["network"] == network])

    @property
    def patients(self) -> list[str]:
        """Whose every volume is, in the order of the evaluation."""
        first = next(iter(self.networks))
        return [record["patient"] for record in self.records if record["network"] == first]

    def by_patient(self, values: np.ndarray) -> np.ndarray:
        """Values of every volume, averaged over the volumes of each patient."""
        patients = np.array(self.patients)
        return np.array([values[patients == one].mean() for one in dict.fromkeys(self.patients)])

    def summary(self) -> dict:
        """Everything but the single volumes, as plain numbers: the content of the JSON file."""
        first = next(iter(self.networks))
        counted = [record for record in self.records if record["network"] == first]
        return {
            "title": self.title,
            "dataset": self.dataset,
            "source": self.source,
            "acceleration": self.acceleration,
            "true_acceleration": self.true_acceleration,
            "device": self.device,
            "volumes": len(counted),
            "patients": len(set(self.patients)),
            "slices": sum(record["slices"] for record in counted),
            "networks": {
                name: {
                    **facts,
                    **{metric: mean_and_deviation(self.values(name, metric)) for metric in COLUMNS},
                }
                for name, facts in self.networks.items()
            },
            "comparisons": {metric: self._compare(metric) for metric in COMPARED},
        }

    def write(self, folder: str | Path) -> str:
        """Writes `evaluation.md`, `.csv` and `.json`; returns the table."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        table = self.to_markdown()
        (folder / "evaluation.md").write_text(table, encoding="utf-8")
        self.to_csv(folder / "evaluation.csv")
        self.to_json(folder / "evaluation.json")
        return table

    def to_json(self, path: str | Path) -> None:
        """Writes `summary()`; a number that is not finite becomes null."""
        text = json.dumps(_finite_or_none(self.summary()), indent=2, ensure_ascii=False)
        Path(path).write_text(text + "\n", encoding="utf-8")

    def to_csv(self, path: str | Path) -> None:
        """Writes one line a volume and network, each with data set, source and acceleration."""
        context = {
            "dataset": self.dataset,
            "source": self.source,
            "acceleration": self.acceleration,
        }
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, [*context, *self.records[0]])
            writer.writeheader()
            writer.writerows({**context, **record} for record in self.records)

    def to_markdown(self) -> str:
        """The table of all networks with its caption, and the comparisons that apply."""
        summary = self.summary()
        headings = ["", *(heading for heading, _ in COLUMNS.values()), "parameters", "ms/slice"]
        rows = [
            "| " + " | ".join(headings) + " |",
            "|" + " --- |" * len(headings),
            *(_row(name, facts) for name, facts in summary["networks"].items()),
        ]
        caption = (
            f"**{self.title}.** Mean ± one sample standard deviation over "
            f"{counted_volumes(self.patients)} ({summary['slices']} slices); time at batch size 1 "
            f"on {self.device}."
        )
        notes = [
            f"{COLUMNS[metric][0].split()[0]}: {sentence}"
            for metric, comparison in summary["comparisons"].items()
            for sentence in _sentences(comparison, COMPARED[metric])
        ]
        return "\n\n".join([caption, "\n".join(rows), *notes]) + "\n"

    def _compare(self, metric: str) -> dict:
        """The comparisons for which all networks are there."""
        comparison = {}
        if {TEACHER, STUDENT, DISTILLED} <= set(self.networks):
            means = [self.values(n, metric).mean() for n in (TEACHER, STUDENT, DISTILLED)]
            comparison["gap"] = float(means[0] - means[1])
            comparison["gap_closed_percent"] = gap_closed(*means)
        if {STUDENT, DISTILLED} <= set(self.networks):
            pair = (self.by_patient(self.values(name, metric)) for name in (DISTILLED, STUDENT))
            p_value, reason = wilcoxon(*pair)
            comparison["wilcoxon_p"] = p_value
            comparison["wilcoxon_note"] = reason
        return comparison


def mean_and_deviation(values: np.ndarray) -> dict[str, float]:
    """Mean and sample standard deviation (n - 1).

    The deviation of a single value, and with an infinite one (the PSNR of a perfect
    reconstruction), is NaN.
    """
    with np.errstate(invalid="ignore"):
        deviation = np.std(values, ddof=1) if len(values) > 1 else math.nan
    return {"mean": float(np.mean(values)), "std": float(deviation)}


def gap_closed(teacher: float, student: float, distilled: float) -> float | None:
    """Share of the gap between student and teacher that distillation closes, in percent.

    100 (distilled - student) / (teacher - student), of mean values for which more is better; None
    when the teacher is not better than the student, so that there is no gap.
    """
    if not teacher > student:
        return None
    return float(100 * (distilled - student) / (teacher - student))


def wilcoxon(distilled: Sequence[float], student: Sequence[float]) -> tuple[float | None, str]:
    """Two-sided Wilcoxon signed-rank test of paired values, one pair a patient.

    Returns:
        (p-value, ""), or (None, the reason) when there are fewer than 6 patients or no differences.
    """
    distilled, student = np.asarray(distilled), np.asarray(student)
    if len(distilled) < FEWEST_PATIENTS_FOR_A_TEST:
        return None, f"needs {FEWEST_PATIENTS_FOR_A_TEST} patients or more, here {len(distilled)}"
    if np.array_equal(distilled, student):
        return None, "all differences are zero"
    return float(scipy.stats.wilcoxon(distilled, student).pvalue), ""


def with_deviation(mean: float, deviation: float | None, digits: int) -> str:
    """Text such as "31.68 ± 2.34"; the mean alone where there is no deviation."""
    has_spread = deviation is not None and math.isfinite(deviation)
    spread = f" ± {deviation:.{digits}f}" if has_spread else ""
    return f"{mean:.{digits}f}{spread}"


def counted_volumes(patients: list[str]) -> str:
    """Text such as "20 volumes of 10 patients", of whose every volume is."""
    volumes, different = len(patients), len(set(patients))
    of_patients = "" if different == volumes else f" of {different} patients"
    return f"{volumes} volume{'s' * (volumes != 1)}{of_patients}"


def _row(name: str, facts: dict) -> str:
    cells = [name]
    for metric, (_, digits) in COLUMNS.items():
        cells.append(with_deviation(facts[metric]["mean"], facts[metric]["std"], digits))
    cells.append("-" if facts["parameters"] is None else f"{facts['parameters']:,}")
    cells.append("-" if facts["milliseconds"] is None else f"{facts['milliseconds']:.1f}")
    return "| " + " | ".join(cells) + " |"


def _sentences(comparison: dict, difference: str) -> list[str]:
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


def _finite_or_none(value):
    """JSON has no infinity and no NaN."""
    if isinstance(value, dict):
        return {key: _finite_or_none(entry) for key, entry in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
