"""What architectures give and what they cost: quality beside time in the formats of deployment."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from kdmri_tf.benchmarks import inference
from kdmri_tf.benchmarks.digits import one_decimal
from kdmri_tf.benchmarks.forms import FORMS
from kdmri_tf.compute.cores import num_cores
from kdmri_tf.evaluation.comparison_report import Comparison
from kdmri_tf.evaluation.markdown import markdown_table
from kdmri_tf.evaluation.statistics import mean_and_deviation
from kdmri_tf.evaluation.table import counted_volumes, with_deviation
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
    manual_dir: Path | str | None = None,
    data_dir: Path | str | None = None,
) -> str:
    """Exports trained networks, times them in turns, and writes table, CSV and plot.

    The folder gets `architectures.md`, `.csv` and `.png`, beside those of the comparison. Times are
    of one slice on all cores, medians over rounds in which all networks and formats take turns. A
    format counts with the PSNR of the network less what the format loses. One whose package is
    missing is left out.

    Args:
        comparison: quality of the networks.
        paths: name of a row -> `.keras` file.
        folder: to write to.
        image_size: (H, W) of the slices.
        rounds, seconds: as for `interleaved.measure`.
        manual_dir, data_dir: of the training's data, on which the loss of a format is measured;
            without both, it is on synthetic slices.

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
        manual_dir=manual_dir,
        data_dir=data_dir,
    )
    (facts, *_) = comparison.evaluations.values()
    records = []
    for name, group in zip(paths, report.groups, strict=True):
        record: dict[str, Any] = {"network": name}
        for metric in METRICS:
            statistics = mean_and_deviation(comparison.values(name, metric))
            deviation = statistics["std"] if math.isfinite(statistics["std"]) else None
            record |= {metric: statistics["mean"], f"{metric}_std": deviation}
        record["gigamacs"] = group.gigaflop / 2
        record["parameters"] = facts.networks[name]["parameters"]
        for form in DEPLOYED:
            speed = report.median_speed(group, form)
            record[form] = None if speed is None else 1000 / speed
        losses = {contender.name: contender.loss for contender in group.contenders}
        record |= {_loss(form): losses.get(form) for form in DEPLOYED}
        records.append(record)
    caption = _caption(
        comparison.title, counted_volumes(facts.patients), image_size, report.origins
    )
    if len(comparison.evaluations) > 1:
        caption += " Times and losses are those of the first seed."
    return _write(records, comparison.title, caption, folder)


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


def _loss(form: str) -> str:
    """Returns the column of the PSNR [dB] that a format loses."""
    return f"dB lost, {form}"


def _caption(title: str, volumes: str, image_size: tuple[int, int], origins: Sequence[str]) -> str:
    height, width = image_size
    cores = num_cores()
    return (
        f"**{title}.** Each network trained alone. Quality of the network in Keras: mean ± one "
        f"sample standard deviation over {volumes}. GMAC are the multiply-adds of its convolutions "
        f"at {height}x{width}, in 10^9, and parameters those in training. Milliseconds for a slice "
        f"on {cores} CPU core{'s' * (cores > 1)}, medians over rounds in which all networks and "
        f"formats take turns. dB lost: PSNR of the network less that of the format, means over "
        f"{' and '.join(origins) or 'no slices'}; the plot has the PSNR of the format."
    )


def _write(records: list[dict[str, Any]], title: str, caption: str, folder: Path) -> str:
    headings = ["", *(heading for heading, _ in METRICS.values()), "GMAC", "parameters"]
    headings += [f"ms, {form}" for form in DEPLOYED] + [_loss(form) for form in DEPLOYED]
    rows = []
    for record in records:
        cells = [record["network"]]
        for metric, (_, digits) in METRICS.items():
            cells.append(with_deviation(record[metric], record[f"{metric}_std"], digits))
        cells += [f"{record['gigamacs']:.2f}", f"{record['parameters']:,}"]
        times, losses = [record[f] for f in DEPLOYED], [record[_loss(f)] for f in DEPLOYED]
        cells += ["-" if time is None else one_decimal(time) for time in times]
        cells += ["-" if loss is None else f"{loss:z.2f}" for loss in losses]
        rows.append(cells)
    text = f"{caption}\n\n{markdown_table(headings, rows)}\n"
    with replacing(folder / f"{NAME}.md") as place:
        place.write_text(text, encoding="utf-8")
    write_csv(folder / f"{NAME}.csv", [{**record, "title": title} for record in records])
    draw(folder / f"{NAME}.png", lambda place: _plot(records, title, place))
    return text


def points(records: Sequence[Mapping[str, Any]], form: str) -> dict[str, tuple[float, float]]:
    """Returns network -> (milliseconds, PSNR [dB] that is left in a format), of those that ran."""
    return {
        record["network"]: (record[form], record["psnr"] - (record[_loss(form)] or 0.0))
        for record in records
        if record[form] is not None
    }


def _plot(records: list[dict[str, Any]], title: str, path: Path) -> None:
    """Plots PSNR against time in every format, the best networks for their time connected."""
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    figure.suptitle(title, fontsize=9, parse_math=False)
    panels = figure.subplots(1, len(DEPLOYED), sharey=True)
    for axes, form in zip(panels, DEPLOYED, strict=True):
        shown = points(records, form)
        for name, point in shown.items():
            axes.plot(*point, "o")
            axes.annotate(*(name, point), textcoords="offset points", xytext=(4, 4), fontsize=6)
        front = pareto_front(list(shown.values()))
        axes.plot(*zip(*front, strict=True), "k--", lw=0.8, zorder=0) if front else None
        axes.set_xlabel(f"milliseconds a slice, {form}")
        axes.set_xlim(left=0)
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("PSNR [dB]")
    figure.savefig(path, dpi=200)
