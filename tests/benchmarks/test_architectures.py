"""Quality and cost of architectures: `kdmri compare architectures`."""

import csv

import pytest
from command_line import run
from needed_packages import needed

from kdmri_tf.benchmarks import architectures
from kdmri_tf.benchmarks.architectures import DEPLOYED, pareto_front, points
from kdmri_tf.compute.cores import num_cores

NAMES = ("D2C1", "D2C2-unshuffle2")


def test_the_front_holds_what_none_beats():
    points = [(5.0, 30.0), (1.0, 28.0), (2.0, 29.0), (2.0, 28.5), (3.0, 29.0), (6.0, 29.9)]
    assert pareto_front(points) == [(1.0, 28.0), (2.0, 29.0), (5.0, 30.0)]
    assert pareto_front([]) == []


def test_a_form_counts_with_the_quality_that_it_keeps():
    rows = [("a", 31.0, 0.5, 3.0), ("b", 30.8, 0.0, 3.0), ("c", 40.0, 0.0, None)]
    records = [
        {"network": name, "psnr": psnr, "LiteRT int8": time, "dB lost, LiteRT int8": loss}
        for name, psnr, loss, time in rows
    ]
    shown = points(records, "LiteRT int8")
    assert shown == {"a": (3.0, 30.5), "b": (3.0, 30.8)}
    assert pareto_front(list(shown.values())) == [(3.0, 30.8)]


def test_caption_describes_the_contenders(monkeypatch):
    """They are processes of their own on all cores, whatever TensorFlow has in this one."""
    monkeypatch.setattr(architectures, "num_cores", lambda: 6)
    text = architectures._caption("hearts", "8 volumes", (150, 150), ["4 slices"])
    assert "Milliseconds for a slice on 6 CPU cores, medians over rounds" in text
    assert "mean ± one sample standard deviation over 8 volumes" in text
    assert "less that of the format, means over 4 slices;" in text


@pytest.mark.slow
def test_script_writes_quality_beside_cost(tiny_flags, tmp_path):
    for package in ("ai_edge_litert", "onnxruntime", "openvino"):
        needed(package)
    training = ("--epochs", 1, "--filters", 4, "--batch-size", 2, "--whole-batches")
    turns = ("--rounds", 1, "--seconds", 0.01)
    output, _ = run(
        *("compare", "architectures", *tiny_flags, *training, *turns),
        *("--students", *NAMES, "--run-dir", tmp_path),
    )
    folder = tmp_path / "compare-architectures"
    with open(folder / "architectures.csv") as file:
        rows = list(csv.DictReader(file))
    assert [row["network"] for row in rows] == list(NAMES)
    assert all(float(row[form]) > 0 for row in rows for form in DEPLOYED)
    assert all(float(row["psnr"]) > 5 for row in rows)
    # Two convolutions of 1 -> 4 -> 1 channels, or twice two of 4 -> 4 -> 4 at a quarter.
    costs = [float(row["gigamacs"]) for row in rows]
    assert costs[1] / costs[0] == pytest.approx(2 * (2 * 16) / 4 / (2 * 4))
    table = (folder / "architectures.md").read_text()
    assert table in output
    assert "ms, OpenVINO bfloat16" in table
    assert f"a slice on {num_cores()} CPU core" in table
    assert "means over 4 validation slices of cardiac (folder);" in table
    assert all(abs(float(row["dB lost, ONNX float32"])) < 1e-3 for row in rows)
    assert all(float(row["dB lost, LiteRT int8"]) != 0 for row in rows)
    assert (folder / "architectures.png").exists()
    assert {path.parent.name for path in tmp_path.glob("*/model.keras")} == {
        f"student-{name}" for name in NAMES
    }
