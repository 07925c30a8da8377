"""The scaling benchmark: one real training, its table, its error."""

import csv
from types import SimpleNamespace

import pytest

from kdmri_tf import InputError, benchmark_scaling
from kdmri_tf.benchmark_scaling import COLUMNS, measure_scaling, write_scaling


@pytest.mark.slow
def test_scaling():
    (row,) = measure_scaling((40, 40), 2, slices=[4], epochs=[2])
    assert tuple(row) == COLUMNS
    assert (row["slices"], row["epochs"]) == (4, 2)
    assert row["seconds"] > 0
    assert row["milliseconds_per_slice_and_epoch"] == pytest.approx(1000 * row["seconds"] / 8)


def test_scaling_that_fails_says_why(monkeypatch):
    failed = SimpleNamespace(returncode=1, stdout="", stderr="Traceback\n  ...\nOSError: no room\n")
    monkeypatch.setattr(benchmark_scaling.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(InputError, match=r"The training failed: OSError: no room"):
        measure_scaling((40, 40), 2, slices=[4], epochs=[1])


def test_scaling_files(tmp_path):
    values = (24, 2, 4.8, 100.0, 1_250_000_000)
    text = write_scaling([dict(zip(COLUMNS, values, strict=True))], tmp_path, "a test")
    assert "| 24 | 2 | 4.8 | 100.0 | 1.25 GB |" in text
    assert (tmp_path / "scaling.md").read_text() == text
    with open(tmp_path / "scaling.csv") as file:
        (row,) = csv.DictReader(file)
    assert row["milliseconds_per_slice_and_epoch"] == "100.0"
