"""The table of a comparison: every student beside its teacher and its baselines."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kdmri_tf.evaluation.comparison_plot import plot
from kdmri_tf.evaluation.markdown import markdown_table
from kdmri_tf.evaluation.report import Evaluation
from kdmri_tf.evaluation.statistics import gap_closed, mean_and_deviation, wilcoxon
from kdmri_tf.evaluation.table import counted_volumes, with_deviation
from kdmri_tf.files import replacing, write_csv
from kdmri_tf.pictures import draw

METRICS = {"psnr": ("PSNR [dB]", 2), "ssim": ("SSIM", 4)}  # key -> heading, digits
# Key of a record -> (heading, format); a table has those of which any row has a value.
COLUMNS = {
    "psnr_to_teacher": ("to its teacher", "{:+.2f}"),
    "gap_closed_percent": ("gap closed", "{:.0f} %"),
    "p_against_alone": ("p, against alone", "{:.2g}"),
    "p_against_as_long": ("p, against as long", "{:.2g}"),
    "p_against_without_sft": ("p, against without SFT", "{:.2g}"),
    "p_against_equal_epochs": ("p, against without SFT at equal epochs", "{:.2g}"),
    "parameters": ("parameters", "{:,}"),
    "milliseconds": ("ms/slice", "{:.1f}"),
    "psnr_std_over_seeds": ("spread over seeds", "{:.2f}"),
}
LEGEND = {
    "p_against_alone": "the same student trained alone",
    "p_against_as_long": "alone for as many epochs as both stages",
    "p_against_without_sft": "distilled by the same method without SFT",
    "p_against_equal_epochs": "so distilled after training alone, which makes as many epochs in "
    "all as with SFT",
}


class ComparedRow(Protocol):
    """Names a network and those it is compared with, as `Row` of `training` does."""

    @property
    def name(self) -> str: ...
    @property
    def teacher(self) -> str | None: ...
    @property
    def baseline(self) -> str | None: ...
    @property
    def control(self) -> str | None: ...
    @property
    def counterpart(self) -> str | None: ...
    @property
    def equal_counterpart(self) -> str | None: ...


@dataclass
class Comparison:
    """Holds the rows of a grid, evaluated with one or more seeds.

    With several seeds, the values of a volume are their means over the seeds; the spread over
    seeds is the sample standard deviation of the mean PSNR.

    Attributes:
        rows: what is compared, with the same names for every seed.
        evaluations: seed -> `Evaluation` of all rows.
    """

    rows: Sequence[ComparedRow]
    evaluations: dict[int, Evaluation]

    @property
    def title(self) -> str:
        """Data set, source, acceleration and seeds."""
        seeds = ", ".join(map(str, self.evaluations))
        return f"{self._any.title}, seed{'s' * (len(self.evaluations) > 1)} {seeds}"

    def values(self, name: str, metric: str) -> NDArray[np.float64]:
        """Returns the metric of every volume, the mean over seeds."""
        return np.mean([e.values(name, metric) for e in self.evaluations.values()], axis=0)

    def records(self) -> list[dict[str, Any]]:
        """Returns a dictionary per row: plain numbers, None without anything to compare with."""
        return [self._record(row) for row in self.rows]

    def to_markdown(self) -> str:
        """Returns the table with its caption."""
        records = self.records()
        shown = [key for key in COLUMNS if any(record[key] is not None for record in records)]
        headings = ["", *(heading for heading, _ in METRICS.values())]
        headings += [COLUMNS[key][0] for key in shown]
        rows = [_cells(record, shown) for record in records]
        others = ", or ".join(words for key, words in LEGEND.items() if key in shown)
        caption = (
            f"**{self.title}.** Mean ± one sample standard deviation over "
            f"{counted_volumes(self._any.patients)}; time at batch size 1 on {self._any.device}. "
            "To its teacher: difference of mean PSNR [dB]. Gap closed: between the same student "
            "alone and its teacher, PSNR."
        )
        if others:
            caption += (
                f" p: two-sided Wilcoxon signed-rank test over patients, PSNR, against {others}."
            )
        caption = f"{caption} {self._any.unequal_epochs}".rstrip()
        return f"{caption}\n\n{markdown_table(headings, rows)}\n" + self._mean_over_counterparts()

    def _mean_over_counterparts(self) -> str:
        """Says what SFT does to the mean over methods or sizes, where there are several."""
        pairs = [
            (row.equal_counterpart or row.counterpart, row.name)
            for row in self.rows
            if row.counterpart is not None
        ]
        if len(pairs) < 2:
            return ""
        without, with_sft = (
            np.mean([self.values(name, "psnr") for name in names])
            for names in zip(*pairs, strict=True)
        )
        equal = all(row.equal_counterpart for row in self.rows if row.counterpart is not None)
        return (
            f"\nMean PSNR of the {len(pairs)} students with SFT: {with_sft:.2f} dB; of the same "
            f"without{' at equal epochs' * equal}: {without:.2f} dB.\n"
        )

    def write(self, folder: Path | str, name: str) -> str:
        """Writes `<name>.md`, `.csv` (a line per row) and `.png`; returns the table.

        Each file is written whole or not at all.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        table = self.to_markdown()
        with replacing(folder / f"{name}.md") as place:
            place.write_text(table, encoding="utf-8")
        records = [{**record, "title": self.title} for record in self.records()]
        write_csv(folder / f"{name}.csv", records)
        counterparts = {row.name: row.counterpart for row in self.rows}
        picture = folder / f"{name}.png"
        draw(picture, lambda place: plot(records, counterparts, self.title, place))
        return table

    @property
    def _any(self) -> Evaluation:
        return next(iter(self.evaluations.values()))

    def _record(self, row: ComparedRow) -> dict[str, Any]:
        record: dict[str, Any] = {"network": row.name}
        for metric in METRICS:
            statistics = mean_and_deviation(self.values(row.name, metric))
            deviation = statistics["std"] if math.isfinite(statistics["std"]) else None
            record |= {metric: statistics["mean"], f"{metric}_std": deviation}
        psnr = self.values(row.name, "psnr")
        teacher, baseline, control, counterpart, equal = (
            None if name is None else self.values(name, "psnr")
            for name in (
                *(row.teacher, row.baseline, row.control),
                *(row.counterpart, row.equal_counterpart),
            )
        )
        record["psnr_to_teacher"] = None if teacher is None else float(psnr.mean() - teacher.mean())
        record["gap_closed_percent"] = None
        if teacher is not None and baseline is not None:
            record["gap_closed_percent"] = gap_closed(teacher.mean(), baseline.mean(), psnr.mean())
        record["p_against_alone"] = self._p_value(psnr, baseline)
        record["p_against_as_long"] = self._p_value(psnr, control)
        record["p_against_without_sft"] = self._p_value(psnr, counterpart)
        record["p_against_equal_epochs"] = self._p_value(psnr, equal)
        facts = [e.networks[row.name] for e in self.evaluations.values()]
        record["parameters"] = facts[0]["parameters"]
        record["milliseconds"] = float(np.median([f["milliseconds"] for f in facts]))
        by_seed = [e.values(row.name, "psnr").mean() for e in self.evaluations.values()]
        spread = mean_and_deviation(np.array(by_seed))["std"] if len(by_seed) > 1 else None
        record["psnr_std_over_seeds"] = spread
        return record

    def _p_value(
        self, values: NDArray[np.float64], others: NDArray[np.float64] | None
    ) -> float | None:
        if others is None:
            return None
        return wilcoxon(self._any.by_patient(values), self._any.by_patient(others))[0]


def _cells(record: dict[str, Any], shown: list[str]) -> list[str]:
    cells = [record["network"]]
    for metric, (_, digits) in METRICS.items():
        cells.append(with_deviation(record[metric], record[f"{metric}_std"], digits))
    for key in shown:
        _, form = COLUMNS[key]
        cells.append("-" if record[key] is None else form.format(record[key]))
    return cells
