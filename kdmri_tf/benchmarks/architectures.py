"""What architectures give and what they cost: quality beside time in the formats of deployment."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from kdmri_tf.benchmarks import inference
from kdmri_tf.benchmarks.forms import FORMS
from kdmri_tf.compute.cores import num_cores
from kdmri_tf.evaluation.comparison_report import Comparison
from kdmri_tf.evaluation.markdown import markdown_table
from kdmri_tf.evaluation.statistics import mean_and_deviation
from kdmri_tf.evaluation.table import with_deviation
from kdmri_tf.files import replacing, write_csv
from kdmri_tf.pictures import draw

DEPLOYED = ("ONNX float32", "OpenVINO bfloat16", "LiteRT int8")
METRICS = {"psnr": ("PSNR [dB]", 2), "ssim": ("SSIM", 4), "hfn": ("HFN", 3)}
NAME = "architectures"


def measure_architectures(
    comparison: Comparison,
    paths: Mapping[str, Path],
    folder: Path,
    image_size: tuple[int, int],
    rounds: int = 7,
    seconds: float = 1.0,
) -> str:
    """Exports trained networks, times them in turns, and writes table, CSV and plot.

    The folder gets `architectures.md`, `.csv` and `.png`, beside those of the comparison. Times are
    of one slice on all cores, medians over rounds in which all networks and formats take turns. A
    format whose package is missing is left out.

    Args:
        comparison: quality of the networks.
        paths: name of a row -> `.keras` file.
        folder: to write to.
        image_size: (H, W) of the slices.
        rounds, seconds: as for `interleaved.measure`.

    Returns:
        The text of the table.
    """
    forms = [form for form in FORMS if form.name in DEPLOYED]
    report = inference.measured(
        folder,
        networks=dict(paths),
        sizes=[image_size],
        batch_sizes=[1],
        threads=[num_cores()],
        rounds=rounds,
        seconds=seconds,
        forms=forms,
    )
    records = []
    for name, group in zip(paths, report.groups, strict=True):
        record: dict[str, Any] = {"network": name}
        for metric in METRICS:
            statistics = mean_and_deviation(comparison.values(name, metric))
            deviation = statistics["std"] if math.isfinite(statistics["std"]) else None
            record |= {metric: statistics["mean"], f"{metric}_std": deviation}
        record["gigamacs"] = group.gigaflop / 2
        (facts, *_) = comparison.evaluations.values()
        record["parameters"] = facts.networks[name]["parameters"]
        for form in DEPLOYED:
            speed = report.median_speed(group, form)
            record[form] = None if speed is None else 1000 / speed
        records.append(record)
    return _write(records, comparison.title, image_size, report.device, folder)


def pareto_front(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Returns the points (cost, quality) that none beats in both, the cheapest first.

    Example:
        >>> pareto_front([(3.0, 31.0), (1.0, 30.0), (2.0, 29.0), (4.0, 31.0)])
        [(1.0, 30.0), (3.0, 31.0)]
    """
    front: list[tuple[float, float]] = []
    for cost, quality in sorted(points, key=lambda point: (point[0], -point[1])):
        if not front or quality > front[-1][1]:
            front.append((cost, quality))
    return front


def _write(
    records: list[dict[str, Any]],
    title: str,
    image_size: tuple[int, int],
    device: str,
    folder: Path,
) -> str:
    height, width = image_size
    headings = ["", *(heading for heading, _ in METRICS.values()), "GMAC", "parameters"]
    headings += [f"ms, {form}" for form in DEPLOYED]
    rows = []
    for record in records:
        cells = [record["network"]]
        for metric, (_, digits) in METRICS.items():
            cells.append(with_deviation(record[metric], record[f"{metric}_std"], digits))
        cells += [f"{record['gigamacs']:.2f}", f"{record['parameters']:,}"]
        times = (record[form] for form in DEPLOYED)
        cells += ["-" if time is None else f"{time:.1f}" for time in times]
        rows.append(cells)
    text = (
        f"**{title}.** Each network trained alone. Quality of the network in Keras; GMAC are the "
        f"multiply-adds of its convolutions at {height}x{width}, in 10^9, and parameters those in "
        f"training; milliseconds for a slice on {device}, all networks and formats in turns.\n\n"
        f"{markdown_table(headings, rows)}\n"
    )
    with replacing(folder / f"{NAME}.md") as place:
        place.write_text(text, encoding="utf-8")
    write_csv(folder / f"{NAME}.csv", [{**record, "title": title} for record in records])
    draw(folder / f"{NAME}.png", lambda place: _plot(records, title, place))
    return text


def _plot(records: list[dict[str, Any]], title: str, path: Path) -> None:
    """Plots PSNR against time in every format, the best networks for their time connected."""
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    figure.suptitle(title, fontsize=9, parse_math=False)
    panels = figure.subplots(1, len(DEPLOYED), sharey=True)
    for axes, form in zip(panels, DEPLOYED, strict=True):
        shown = [record for record in records if record[form] is not None]
        for record in shown:
            axes.plot(record[form], record["psnr"], "o")
            axes.annotate(
                record["network"],
                (record[form], record["psnr"]),
                textcoords="offset points",
                xytext=(4, 4),
                fontsize=6,
            )
        front = pareto_front([(record[form], record["psnr"]) for record in shown])
        axes.plot(*zip(*front, strict=True), "k--", lw=0.8, zorder=0) if front else None
        axes.set_xlabel(f"milliseconds a slice, {form}")
        axes.set_xlim(left=0)
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("PSNR [dB]")
    figure.savefig(path, dpi=200)
