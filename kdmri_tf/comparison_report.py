"""The table and the plot of a comparison: every student beside its teacher and its baselines."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from kdmri_tf.report import Evaluation, gap_closed, mean_and_deviation, wilcoxon

HEADINGS = (
    *("", "PSNR [dB]", "SSIM", "to its teacher", "gap closed"),
    *("p, against alone", "p, against without SFT", "parameters", "ms/slice"),
)
METRICS = {"psnr": 2, "ssim": 4}


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
        volumes = len(self.values(self.rows[0].name, "psnr"))
        several = len(self.evaluations) > 1
        headings = (*HEADINGS, "spread over seeds") if several else HEADINGS
        lines = ["| " + " | ".join(headings) + " |", "|" + " --- |" * len(headings)]
        lines += ["| " + " | ".join(_cells(r, several)) + " |" for r in self.records()]
        caption = (
            f"**{self.title}.** Mean ± one sample standard deviation over {volumes} volumes; time "
            f"at batch size 1 on {self._any.device}. To its teacher: difference of mean PSNR [dB]. "
            "Gap closed: between the same student alone and its teacher, PSNR. p: two-sided "
            "Wilcoxon signed-rank test over volumes, PSNR; against the student alone, and against "
            "the same method without SFT."
        )
        return f"{caption}\n\n" + "\n".join(lines) + "\n" + self._mean_over_counterparts()

    def _mean_over_counterparts(self):
        """What SFT does to the mean over methods or sizes, where there are several; in words."""
        pairs = [(row.counterpart, row.name) for row in self.rows if row.counterpart is not None]
        if len(pairs) < 2:
            return ""
        without, with_sft = (
            np.mean([self.values(name, "psnr") for name in names])
            for names in zip(*pairs, strict=True)
        )
        return (
            f"\nMean PSNR of the {len(pairs)} students with SFT: {with_sft:.2f} dB; of the same "
            f"without: {without:.2f} dB.\n"
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
            record |= {metric: statistics["mean"], f"{metric}_std": statistics["std"]}
        psnr = self.values(row.name, "psnr")
        teacher, baseline, counterpart = (
            None if name is None else self.values(name, "psnr")
            for name in (row.teacher, row.baseline, row.counterpart)
        )
        record["psnr_to_teacher"] = None if teacher is None else float(psnr.mean() - teacher.mean())
        record["gap_closed_percent"] = None
        if teacher is not None and baseline is not None:
            record["gap_closed_percent"] = gap_closed(teacher.mean(), baseline.mean(), psnr.mean())
        record["p_against_alone"] = _p_value(psnr, baseline)
        record["p_against_without_sft"] = _p_value(psnr, counterpart)
        facts = [e.networks[row.name] for e in self.evaluations.values()]
        record["parameters"] = facts[0]["parameters"]
        record["milliseconds"] = float(np.median([f["milliseconds"] for f in facts]))
        by_seed = [e.values(row.name, "psnr").mean() for e in self.evaluations.values()]
        record["psnr_std_over_seeds"] = mean_and_deviation(np.array(by_seed))["std"]
        return record

    def _plot(self, path):
        """PSNR against parameters and against time, students of one size side by side."""
        records = self.records()
        figure = Figure(figsize=(9, 4.6), layout="constrained")
        figure.suptitle(self.title, fontsize=9)
        panels = figure.subplots(1, 2, sharey=True)
        facts = {"parameters": "parameters", "milliseconds": "milliseconds a slice"}
        for axes, (fact, label) in zip(panels, facts.items(), strict=True):
            for index, record in enumerate(records):
                marker = "os^Dv<>pPX"[index // 10 % 10]
                colour = f"C{index % 10}"
                axes.plot(record[fact], record["psnr"], marker, color=colour, alpha=0.8)
            axes.set_xlabel(label)
            axes.set_xlim(left=0)
            axes.grid(alpha=0.3)
        panels[0].set_ylabel("PSNR [dB]")
        lines = panels[0].get_lines()
        names = [record["network"] for record in records]
        figure.legend(lines, names, loc="outside right upper", fontsize=7, frameon=False)
        figure.savefig(path, dpi=200)


def _p_value(values, others):
    return None if others is None else wilcoxon(values, others)[0]


def _cells(record, several_seeds):
    cells = [record["network"]]
    for metric, digits in METRICS.items():
        cells.append(f"{record[metric]:.{digits}f} ± {record[f'{metric}_std']:.{digits}f}")
    cells.append(_cell(record["psnr_to_teacher"], "{:+.2f}"))
    cells.append(_cell(record["gap_closed_percent"], "{:.0f} %"))
    cells.append(_cell(record["p_against_alone"], "{:.2g}"))
    cells.append(_cell(record["p_against_without_sft"], "{:.2g}"))
    cells.append(f"{record['parameters']:,}")
    cells.append(f"{record['milliseconds']:.1f}")
    return [*cells, f"{record['psnr_std_over_seeds']:.2f}"] if several_seeds else cells


def _cell(value, form):
    return "-" if value is None else form.format(value)
