"""The benchmark: turns of fake contenders, medians and ratios of known speeds, files."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kdmri_tf import InputError
from kdmri_tf.benchmarks.digits import one_decimal, three_digits
from kdmri_tf.benchmarks.groups import Contender, Group
from kdmri_tf.benchmarks.interleaved import measure, peak_memory
from kdmri_tf.benchmarks.report import Report, Turn
from kdmri_tf.files import make_folder

# Says its name in a file at every turn, takes as long as it is told and fails when it is told.
FAKE = """
import json, pathlib, sys
name, log, seconds, turns = sys.argv[1], *map(eval, sys.argv[2:])
for turn, line in enumerate(sys.stdin):
    if turn == turns:
        raise ValueError(f"{name} is tired")
    with open(log, "a") as file:
        file.write(name)
    print(json.dumps({"seconds": int(line) * seconds, "slices": 4 * int(line)}), flush=True)
"""


def fake(name, log, seconds=0.5, turns=1000, **facts):
    command = (sys.executable, "-c", FAKE, name, repr(str(log)), str(seconds), str(turns))
    return Contender(name, command, **facts)


def measured(contenders, rounds=3, seconds=1.0, **facts):
    group = Group("distillation", (150, 150), 4, tuple(contenders), **facts)
    report = Report("Training", "a test", [group])
    measure(report, rounds, seconds)
    return report, group


def test_contenders_take_turns(tmp_path):
    log = tmp_path / "log"
    report, group = measured([fake(name, log) for name in "abc"])
    assert log.read_text() == "aabbcc" + "abc" * 3
    assert [(turn.contender, turn.round) for turn in report.turns] == [
        (name, number) for number in (1, 2, 3) for name in "abc"
    ]
    assert all(turn.group is group for turn in report.turns)


def test_a_log_says_what_is_measured_and_how_far_it_is(tmp_path, capsys, monkeypatch):
    measured([fake("a", tmp_path / "log")])
    assert capsys.readouterr().err == "distillation, 150x150, batch 4: 0 of 4 turns, 00:00 so far\n"
    monkeypatch.setattr("kdmri_tf.progress.SECONDS_BETWEEN_LINES", 0.0)
    measured([fake("a", tmp_path / "log")])
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1].startswith("distillation, 150x150, batch 4: 4 of 4 turns, 00:0")


def test_turn_is_as_long_as_asked(tmp_path):
    slow, fast = fake("slow", tmp_path / "log", 5.0), fake("fast", tmp_path / "log", 0.125)
    report, _ = measured([slow, fast], rounds=1)
    assert [(turn.seconds, turn.slices) for turn in report.turns] == [(5.0, 4), (1.0, 32)]


def test_environment_reaches_the_contender():
    command = (
        sys.executable,
        "-c",
        "import os, sys\n"
        'for line in sys.stdin: print(\'{"seconds": 1, "slices": %s}\' % os.environ["MANY"], '
        "flush=True)",
    )
    report, _ = measured([Contender("a", command, {"MANY": "7"})], rounds=1)
    assert report.turns[0].slices == 7


def test_settings_of_the_allocator_do_not_reach_the_contender(monkeypatch):
    for name in ("MALLOC_ARENA_MAX", "MALLOC_TOP_PAD_", "GLIBC_TUNABLES"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("OTHER", "kept")
    code = (
        "import os, sys\n"
        "names = [n for n in os.environ if n.startswith(('MALLOC_', 'GLIBC_')) or n == 'OTHER']\n"
        "sys.exit(' '.join(sorted(names)))"
    )
    contender = Contender("a", (sys.executable, "-c", code), {"MALLOC_TOP_PAD_": "67108864"})
    report, group = measured([contender], rounds=1)
    assert report.failures[group, "a"] == "MALLOC_TOP_PAD_ OTHER"


@pytest.mark.parametrize("turns", [0, 1, 3])
def test_failing_contender_leaves_the_others_alone(tmp_path, capsys, turns):
    log = tmp_path / "log"
    report, group = measured([fake("a", log), fake("b", log, turns=turns), fake("c", log)])
    assert log.read_text().replace("b", "") == "aacc" + "ac" * 3
    assert report.failures == {(group, "b"): "ValueError: b is tired"}
    assert "b failed: ValueError: b is tired" in capsys.readouterr().err
    assert len(report.speeds(group, "b")) == max(0, turns - 2)
    assert "Failed: b: ValueError: b is tired" in report.to_markdown()


def test_contender_that_does_not_answer_or_start():
    silent = Contender("silent", (sys.executable, "-c", "import sys; sys.exit(3)"))
    chatty = Contender("chatty", (sys.executable, "-c", "print('hello'); input()"))
    report, group = measured([silent, chatty], rounds=1)
    assert report.turns == []
    assert set(report.failures) == {(group, "silent"), (group, "chatty")}
    assert report.median_speed(group, "silent") is None
    assert "| silent | failed | - | - |" in report.to_markdown()


def test_a_measurement_without_a_turn_is_refused(tmp_path):
    tired = fake("tired", tmp_path / "log", turns=0)
    report, group = measured([tired, fake("asleep", tmp_path / "log", turns=0)])
    words = (
        r"every contender failed, first tired \(distillation, 150x150, batch 4\): "
        r"ValueError: tired is tired\. Put"
    )
    with pytest.raises(InputError, match=words):
        report.check_any_turn()
    report.turns.append(Turn(group, "asleep", 1, 1, 1.0, None))
    report.check_any_turn()


def test_processes_end_with_the_measurement(tmp_path):
    command = (
        sys.executable,
        "-c",
        f"import os, sys, pathlib; pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str("
        'os.getpid()))\nfor line in sys.stdin: print(\'{"seconds": 1, "slices": 1}\', flush=True)',
    )

    class Interrupted(Report):
        @property
        def turns(self):
            raise KeyboardInterrupt

        @turns.setter
        def turns(self, value):
            pass

    group = Group("student", (8, 8), 1, (Contender("a", command),))
    with pytest.raises(KeyboardInterrupt):
        measure(Interrupted("Training", "a test", [group]), 1, 1.0)
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text()}").exists()


@pytest.fixture
def report():
    """Three contenders whose speeds are known; the machine is half as fast in the third round."""
    contenders = (
        Contender("plain", ()),
        Contender("quick", (), previous="plain"),
        Contender("other", (), framework="PyTorch"),
        Contender("slowest", (), framework="PyTorch"),
    )
    rivals = {"best other": ("slowest", "other")}
    group = Group("distillation", (640, 368), 2, contenders, rivals)
    report = Report("Training", "a test", [group], notes=("As a test.",))
    speeds = {"plain": (10, 12, 5), "quick": (30, 24, 20), "other": (20, 24, 10), "slowest": (1,)}
    for name, values in speeds.items():
        for number, speed in enumerate(values, start=1):
            report.turns.append(Turn(group, name, number, 2 * speed, 2.0, 10**9 * number))
    return report


def test_medians_and_paired_ratios(report):
    (group,) = report.groups
    assert report.median_speed(group, "plain") == 10
    assert report.median_speed(group, "quick") == 24
    assert report.ratio(group, "quick", "plain") == 3.0  # of 3, 2 and 4: not 24 / 10
    assert report.ratio(group, "plain", "slowest") == 10  # of the one round that both have
    assert report.fastest(group, ("slowest", "other")) == "other"


def test_markdown(report):
    text = report.to_markdown()
    assert text.startswith("**Training on a test.** Medians over the rounds")
    assert "### distillation, 640x368, batch 2" in text
    assert "|  | slices/s | vs plain | vs row above | vs best other | peak memory |" in text
    assert "| plain | 10.0 | 1.00x | - | 0.50x | 3.00 GB |" in text
    assert "| quick | 24.0 | 3.00x | 3.00x | 1.50x | 3.00 GB |" in text
    assert text.endswith("As a test.\n")


def test_files(report, tmp_path):
    assert report.write(tmp_path, "training") == (tmp_path / "training.md").read_text()
    with open(tmp_path / "training.csv") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(report.turns)
    assert rows[3] == {
        "work": "distillation",
        "height": "640",
        "width": "368",
        "batch_size": "2",
        "contender": "quick",
        "round": "1",
        "slices": "60",
        "seconds": "2.0",
        "slices_per_second": "30.0",
        "peak_memory_bytes": "1000000000",
        "device": "a test",
    }
    assert (tmp_path / "training.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("number", "digits", "decimal"),
    [
        (12345.6, "12346", "12345.6"),
        (999.96, "1000", "1000.0"),
        (99.96, "100", "100.0"),
        (22.22, "22.2", "22.2"),
        (0.04567, "0.0457", "0.0457"),
    ],
)
def test_numbers_keep_their_digits_without_powers_of_ten(number, digits, decimal):
    assert (three_digits(number), one_decimal(number)) == (digits, decimal)


def test_slow_contenders_are_not_at_rest(report, tmp_path):
    (group,) = report.groups
    report.turns = [Turn(group, "plain", 1, 1, 25.0, None)]
    assert "| plain | 0.04 | 1.00x | - | - | - |" in report.to_markdown()


def test_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot be written to .*; choose another \(--output\)"):
        make_folder(tmp_path / "file" / "benchmark", "--output")
    make_folder(tmp_path / "new" / "benchmark", "--output")
    assert list((tmp_path / "new" / "benchmark").iterdir()) == []


def test_peak_memory_is_that_of_one_process():
    """Not of its parent, which holds TensorFlow here."""
    command = [
        *(sys.executable, "-c"),
        "import re; print(1024 * int(re.search('VmHWM:\\s+(\\d+)', open('/proc/self/status')"
        ".read())[1]))",
    ]
    if peak_memory() is None:
        pytest.skip("no /proc on this system")
    small = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert small < 10**8 < peak_memory()
    assert peak_memory(-1) is None


def test_a_process_that_has_ended_has_no_peak_memory():
    """It is a zombie until somebody waits for it, whose file has no such line."""
    if peak_memory() is None:
        pytest.skip("no /proc on this system")
    with subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE) as process:
        process.stdout.read()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert peak_memory(process.pid) is None
