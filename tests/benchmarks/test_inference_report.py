"""The inference benchmark's tables and files, of known speeds."""

import csv
import dataclasses

import pytest

from kdmri_tf import InputError
from kdmri_tf.benchmarks.inference_report import InferenceContender, InferenceGroup, InferenceReport
from kdmri_tf.benchmarks.report import Turn


@pytest.fixture
def report():
    """Two networks whose speeds are known, in 2 and 5 GFLOP a slice, beside matrix products."""
    facts = {"image_size": (240, 240), "batch_size": 1, "threads": 2}
    products = InferenceGroup(
        work="matrix product",
        contenders=(InferenceContender("float32", ()), InferenceContender("bfloat16", ())),
        gigaflop=10.0,
        **facts,
    )
    report = InferenceReport("Inference", "a test", [], papers={"CPU": 2.0})
    turns = {(products, "float32"): (10, 20), (products, "bfloat16"): (40, 40)}
    for work, gigaflop, speed in (("teacher D5C5", 5.0, 10), ("student D3C5", 2.0, 30)):
        contenders = (
            InferenceContender("plain", (), file_size=12_345, loss=-1e-6),
            InferenceContender("half", (), precision="bfloat16", loss=0.01234),
        )
        group = InferenceGroup(
            work=work, contenders=contenders, gigaflop=gigaflop, products=products, **facts
        )
        report.groups.append(group)
        turns |= {(group, "plain"): (speed, 2 * speed), (group, "half"): (2 * speed,) * 2}
    for (group, name), speeds in turns.items():
        for number, speed in enumerate(speeds, start=1):
            report.turns.append(Turn(group, name, number, speed, 1.0, 10**9))
    return report


def test_table(report):
    text = report.to_markdown()
    assert "### student D3C5, 240x240, batch 1, 2 threads" in text
    assert (
        "|  | ms a slice | vs plain | GFLOP/s | of matrix product | file size | peak memory | "
        "PSNR loss |" in text
    )
    assert "| plain | 22.2 | 1.00x | 90 | 60% | 12 kB | 1.00 GB | 0.0000 dB |" in text
    assert "| half | 16.7 | 1.50x | 120 | 30% | - | 1.00 GB | 0.0123 dB |" in text
    assert "| teacher D5C5 and student D3C5, 240x240, batch 1, 2 threads | 150 | 400 |" in text


def test_speed_up_beside_the_papers(report):
    _, _, section = report.to_markdown().rpartition("### student D3C5, times faster than teacher")
    rows = section.splitlines()[2:]
    assert rows[0] == "|  | 240x240, batch 1, 2 threads |"
    assert rows[2:5] == ["| plain | 3.00x |", "| half | 3.00x |", "| the papers, CPU | 2.00x |"]


def test_networks_that_did_not_take_turns_are_compared_by_medians(report):
    """Each with matrix products of its own, the student in the opposite order of rounds."""
    teacher, student = report.groups
    apart = dataclasses.replace(student, products=dataclasses.replace(student.products))
    report.groups = [teacher, apart]
    report.turns = [
        dataclasses.replace(turn, group=apart, round=3 - turn.round)
        if turn.group is student
        else turn
        for turn in report.turns
    ]
    _, _, section = report.to_markdown().rpartition("### student D3C5, times faster than teacher")
    rows = section.splitlines()[2:]
    assert rows[0] == "|  | 240x240, batch 1, 2 threads † |"
    assert rows[2] == "| plain | 3.00x |"  # of 45 and 15; the rounds' ratios are 6 and 1.5
    assert rows[6] == "† Ratios of medians: here each network had a run of its own."


def test_failed_contender_has_no_numbers(report):
    student = report.groups[1]
    report.turns = [t for t in report.turns if t.group is not student or t.contender != "half"]
    report.failures[student, "half"] = "it is tired"
    text = report.to_markdown()
    assert "| half | failed | - | - | - | - | - | 0.0123 dB |" in text
    assert "Failed: half: it is tired" in text
    assert "| half | - |" in text


def test_matrix_products_alone_are_no_result(report):
    report.turns = [turn for turn in report.turns if turn.group.work == "matrix product"]
    report.failures[report.groups[0], "plain"] = "it is tired"
    with pytest.raises(InputError, match=r"first plain \(teacher D5C5, 240x240.*: it is tired\."):
        report.check_any_turn()


def test_long_times_are_whole_milliseconds(report):
    teacher = report.groups[0]
    report.turns = [Turn(teacher, "plain", 1, 1, 1.25, None)]
    assert "| plain | 1250 | 1.00x |" in report.to_markdown()


def test_values(report, tmp_path):
    report.write(tmp_path, "inference")
    with open(tmp_path / "inference.csv") as file:
        row = list(csv.DictReader(file))[-1]
    assert row["work"] == "student D3C5"
    assert (row["threads"], row["gigaflop_per_slice"]) == ("2", "2.0")
    assert row["contender"] == "half"
    assert (tmp_path / "inference.png").read_bytes().startswith(b"\x89PNG")
