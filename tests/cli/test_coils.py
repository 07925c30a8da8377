"""Commands with --coils: complex images from the flags to the table."""

import json

import pytest
from command_line import run
from needed_packages import needed

TINY_TRAINING = ("--epochs", 1, "--filters", 4, "--batch-size", 2)


def test_a_table_without_networks(tiny_flags, run_here, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    output, _ = run_here("evaluate", *tiny_flags, "--coils", 2, "--snr", 30, "--whole-batches")
    assert "gaussian, seed 0, phase encode along axis 1" in output
    assert "2 coils, simulated; training with simulated scans" in output
    folder = tmp_path / "runs" / "cardiac-folder-2x-2coils"
    assert (folder / "reconstructions.png").read_bytes().startswith(b"\x89PNG")
    summary = json.loads((folder / "evaluation.json").read_text())
    assert summary["acceleration"] == "2x, 2 coils, simulated"
    assert list(summary["networks"]) == ["zero-filled"]


@pytest.mark.slow
def test_a_table_with_classical_baselines(tiny_flags, run_here, tmp_path):
    needed("sigpy")
    flags = (*tiny_flags, "--coils", 2, "--classical-baselines", "--whole-batches")
    output, _ = run_here("evaluate", *flags, "--run-dir", tmp_path)
    networks = json.loads((tmp_path / "evaluation.json").read_text())["networks"]
    assert list(networks) == ["zero-filled", "CG-SENSE", "L1-wavelet"]
    for name in ("CG-SENSE", "L1-wavelet"):
        assert f"{name}: weight " in output
        assert networks[name]["psnr"]["mean"] > networks["zero-filled"]["psnr"]["mean"]


@pytest.mark.slow
def test_kd_of_complex_images(tiny_flags, tmp_path):
    """From simulated scans to the exported student; a second run reuses all of it."""
    command = (
        *("kd", *tiny_flags, "--coils", 2, "--phase-strength", 1, 3, *TINY_TRAINING),
        *("--consistency-steps", 2),
        *("--teacher", "D3C2", "--student", "D2C2", "--run-dir", tmp_path),
    )
    output, _ = run(*command)
    for row in ("| zero-filled |", "| teacher |", "| student |", "| KD student |"):
        assert row in output
    config = json.loads((tmp_path / "kd-at-D2C2" / "config.json").read_text())["config"]
    assert config["coils"] == 2
    assert config["complex_images"] is True
    assert config["acquisition"]["snr"] == [10, 60]
    assert config["acquisition"]["phase"] == [1, 3]
    assert (
        json.loads((tmp_path / "student-D2C2" / "config.json").read_text())["config"][
            "consistency_steps"
        ]
        == 2
    )
    _, error = run(*command, "--snr", 5, expect=2)
    assert "was made with other settings: acquisition" in error


@pytest.mark.parametrize(
    ("script", "arguments", "message"),
    [
        ("evaluate", ("--snr", 5), "k-space of folder is without coils here: leave it out, or add"),
        ("evaluate", ("--coils", 2, "--snr", 60, 5), "the lowest number first"),
        ("evaluate", ("--coils", 2, "--snr", 1, 2, 3), "snr must be a number, or two of them"),
        ("evaluate", ("--phase-strength", 2), "--phase-strength is the phase of simulated scans"),
        ("evaluate", ("--coils", 2, "--phase-strength", 3, 1), "phase must lie between 0 and 100"),
        ("student", ("--consistency-steps", 2), "need one consistency step, not 2"),
        ("evaluate", ("--coils", 2, "--center-lines", 4), "--center-lines 24"),
        ("evaluate", ("--classical-baselines",), "add --coils"),
        ("superres", ("--coils", 2), "leave out --coils, --snr, --phase-strength"),
    ],
)
def test_mistakes(tiny_flags, run_here, tmp_path, script, arguments, message):
    flags = list(tiny_flags)
    if script == "superres":
        place = flags.index("--acc")
        del flags[place : place + 2]
    given = (*flags, "--whole-batches", "--run-dir", tmp_path / "run", *arguments)
    _, error = run_here(script, *given, expect=2)
    assert message in error
