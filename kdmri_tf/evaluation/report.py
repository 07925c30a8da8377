"""What an evaluation found: values of every volume, their summary, and two comparisons.

Spread is the sample standard deviation (n - 1) over volumes; a single volume has none. P-values are
over patients: volumes of one patient are alike, and count as one by their mean. Results on
synthetic data say so in the title, the table, the CSV and the JSON file.
"""

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.evaluation.figure_slices import FigureSlice
from kdmri_tf.evaluation.statistics import gap_closed, mean_and_deviation, wilcoxon
from kdmri_tf.evaluation.table import COLUMNS, COMPARED, evaluation_table
from kdmri_tf.files import replacing, write_csv

TEACHER, FRIENDLY_TEACHER = "teacher", "SFT teacher"
STUDENT, DISTILLED = "student", "KD student"


@dataclass
class Evaluation:
    """Holds the values of every network on every volume.

    Attributes:
        dataset: anatomy, such as "cardiac".
        source: where the data comes from, such as "acdc" or "synthetic".
        acceleration: what was asked for, as a label such as "4x" or "4x super-resolution".
        true_acceleration: all k-space samples over measured samples.
        device: what the times were measured on.
        records: one dictionary per volume and network: `volume`, `patient`, `network`, `slices`,
            `psnr` [dB], `ssim`, `nmse`, `hfn`; the volumes of each network in the same order.
        networks: name -> `parameters`, `milliseconds` per slice and `weights_sha256`; None or
            missing for rows without a network, the first of which is always zero-filled.
        figure_slices: a good, a median and a bad slice, for `figures.reconstruction_figure`.
        conditions: mask, epochs and seed, in words, as far as they are known.
        unequal_epochs: that of them which says how long each student was trained, or nothing.
    """

    dataset: str
    source: str
    acceleration: str
    true_acceleration: float
    device: str
    records: list[dict[str, Any]]
    networks: dict[str, dict[str, Any]]
    figure_slices: list[FigureSlice] = field(default_factory=list)
    conditions: str = ""
    unequal_epochs: str = ""

    @property
    def title(self) -> str:
        """Data set, source and acceleration; begins with a warning when the data is synthetic."""
        warning = "SYNTHETIC data, not MRI: " if self.source == "synthetic" else ""
        return (
            f"{warning}{self.dataset} ({self.source}), {self.acceleration} "
            f"(true acceleration {self.true_acceleration:.2f})"
        )

    def values(self, network: str, metric: str) -> NDArray[np.float64]:
        """Returns the metric of every volume, in the order of the evaluation."""
        return np.array([r[metric] for r in self.records if r["network"] == network])

    @property
    def patients(self) -> list[str]:
        """The patient of every volume, in the order of the evaluation."""
        first = next(iter(self.networks))
        return [record["patient"] for record in self.records if record["network"] == first]

    def by_patient(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Averages values of every volume over the volumes of each patient."""
        patients = np.array(self.patients)
        return np.array([values[patients == one].mean() for one in dict.fromkeys(self.patients)])

    def summary(self) -> dict[str, Any]:
        """Returns all but the single volumes, as plain numbers: the content of the JSON file."""
        first = next(iter(self.networks))
        counted = [record for record in self.records if record["network"] == first]
        return {
            "title": self.title,
            "dataset": self.dataset,
            "source": self.source,
            "acceleration": self.acceleration,
            "true_acceleration": self.true_acceleration,
            "device": self.device,
            "conditions": self.conditions,
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
        """Writes `evaluation.md`, `.csv`, `.json`, each whole or not at all; returns the table."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        table = self.to_markdown()
        with replacing(folder / "evaluation.md") as place:
            place.write_text(table, encoding="utf-8")
        self.to_csv(folder / "evaluation.csv")
        self.to_json(folder / "evaluation.json")
        return table

    def to_json(self, path: str | Path) -> None:
        """Writes `summary()`; a number that is not finite becomes null."""
        text = json.dumps(_finite_or_none(self.summary()), indent=2, ensure_ascii=False)
        with replacing(path) as place:
            place.write_text(text + "\n", encoding="utf-8")

    def to_csv(self, path: str | Path) -> None:
        """Writes one line per volume and network, each with data set, source and acceleration."""
        context = {
            "dataset": self.dataset,
            "source": self.source,
            "acceleration": self.acceleration,
        }
        write_csv(path, ({**context, **record} for record in self.records))

    def to_markdown(self) -> str:
        """Returns the table of all networks with its caption, and the comparisons that apply."""
        return evaluation_table(self.summary(), self.patients)

    def _compare(self, metric: str) -> dict[str, Any]:
        """Makes the comparisons for which all networks are there."""
        comparison: dict[str, Any] = {}
        if {TEACHER, STUDENT, DISTILLED} <= set(self.networks):
            means = [self.values(n, metric).mean() for n in (TEACHER, STUDENT, DISTILLED)]
            comparison["gap"] = float(means[0] - means[1])
            comparison["gap_closed_percent"] = gap_closed(*means)
        if {STUDENT, DISTILLED} <= set(self.networks):
            distilled, student = (
                self.by_patient(self.values(name, metric)) for name in (DISTILLED, STUDENT)
            )
            p_value, reason = wilcoxon(distilled, student)
            comparison["wilcoxon_p"] = p_value
            comparison["wilcoxon_note"] = reason
        return comparison


def _finite_or_none(value: Any) -> Any:
    """Replaces infinity and NaN, which JSON lacks, by None."""
    if isinstance(value, dict):
        return {key: _finite_or_none(entry) for key, entry in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
