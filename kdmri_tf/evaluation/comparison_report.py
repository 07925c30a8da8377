"""The table and the plot of a comparison: every student beside its teacher and its baselines."""

import csv
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from kdmri_tf.evaluation.report import (
    Evaluation,
    counted_volumes,
    gap_closed,
    mean_and_deviation,
    wilcoxon,
    with_deviation,
)

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


@dataclass
class Comparison:
    """Rows of a grid, evaluated with one or more seeds.

    With several seeds, the values of a volume are their means over the seeds; the spread over
    seeds is the sample standard deviation of the mean PSNR.

    Attributes:
        rows: `Row`s, the same names for every seed.
        evaluations: seed -> `Evaluation` of all rows.
    """

    rows: list
    evaluations: dict[int, Evaluation]

    @property
    def title(self):
        """Data set, source, acceleration and seeds."""
        seeds = ", ".join(map(str, self.evaluations))
        return f"{self._any.title}, seed{'s' * (len(self.evaluations) > 1)} {seeds}"

    def values(self, name, metric):
        """The metric of every volume, the mean over seeds."""
        return np.mean([e.values(name, metric) for e in self.evaluations.values()], axis=0)

    def records(self):
        """One dictionary a row: plain numbers, None where there is nothing to compare with."""
        return [self._record(row) for row in self.rows]

    def to_markdown(self):
        """The table with its caption."""
        records = self.records()
        shown = [key for key in COLUMNS if any(record[key] is not None for record in records)]
        headings = ["", *(heading for heading, _ in METRICS.values())]
        headings += [COLUMNS[key][0] for key in shown]
        lines = ["| " + " | ".join(headings) + " |", "|" + " --- |" * len(headings)]
        lines += ["| " + " | ".join(_cells(record, shown)) + " |" for record in records]
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
        return f"{caption}\n\n" + "\n".join(lines) + "\n" + self._mean_over_counterparts()

    def _mean_over_counterparts(self):
        """What SFT does to the mean over methods or sizes, where there are several; in words."""
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

    def write(self, folder, name):
        """Writes `<name>.md`, `.csv` (a line a row) and `.png`; returns the table."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        table = self.to_markdown()
        (folder / f"{name}.md").write_text(table, encoding="utf-8")
        records = [{**record, "title": self.title} for record in self.records()]
        with open(folder / f"{name}.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, records[0])
            writer.writeheader()
            writer.writerows(records)
        self._plot(folder / f"{name}.png")
        return table

    @property
    def _any(self):
        return next(iter(self.evaluations.values()))

    def _record(self, row):
        record = {"network": row.name}
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

    def _p_value(self, values, others):
        if others is None:
            return None
        return wilcoxon(*(self._any.by_patient(psnr) for psnr in (values, others)))[0]

    def _plot(self, path):
        """PSNR against parameters and against time; a method has one colour, with SFT a square."""
        records, styles = self.records(), _styles(self.rows)
        figure = Figure(figsize=(9, 4.6), layout="constrained")
        figure.suptitle(self.title, fontsize=9)
        panels = figure.subplots(1, 2, sharey=True)
        facts = {"parameters": "parameters", "milliseconds": "milliseconds a slice"}
        for axes, (fact, label) in zip(panels, facts.items(), strict=True):
            for record in records:
                colour, marker = styles[record["network"]]
                axes.plot(record[fact], record["psnr"], marker, color=colour, alpha=0.8)
            axes.set_xlabel(label)
            axes.set_xlim(left=0)
            axes.xaxis.set_major_formatter(EngFormatter(sep=""))  # 50k
            axes.grid(alpha=0.3)
        panels[0].set_ylabel("PSNR [dB]")
        lines = panels[0].get_lines()
        names = [record["network"] for record in records]
        figure.legend(lines, names, loc="outside right upper", fontsize=7, frameon=False)
        figure.savefig(path, dpi=200)


def _styles(rows):
    """Name of a row -> (colour, marker)."""
    styles, singles = {}, 0
    for row in rows:
        if row.counterpart in styles:
            styles[row.name] = styles[row.counterpart][0], "s"
        else:
            styles[row.name] = f"C{singles % 10}", "o^Dv"[singles // 10 % 4]
            singles += 1
    return styles


def _cells(record, shown):
    cells = [record["network"]]
    for metric, (_, digits) in METRICS.items():
        cells.append(with_deviation(record[metric], record[f"{metric}_std"], digits))
    for key in shown:
        _, form = COLUMNS[key]
        cells.append("-" if record[key] is None else form.format(record[key]))
    return cells
