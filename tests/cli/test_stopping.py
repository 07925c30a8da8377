"""Ctrl-C, SIGTERM and SIGHUP: commands end in order, with one line that says how to go on."""

import os
import signal
import subprocess
import sys

import pytest
from command_line import command
from heeded_signals import heed_all_signals


@pytest.mark.slow
def test_interrupt_says_how_to_go_on(tiny_flags, tmp_path):
    tiny_network = ("--teacher", "D2C1", "--filters", 2)
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command("teacher", *tiny_flags, *tiny_network, "--epochs", 10**6, "--run-dir", tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        preexec_fn=heed_all_signals,
    )
    for line in process.stdout:
        if line.startswith("Epoch 2/"):
            break
    try:
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=120)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 130
    assert "training continues after its last full epoch" in error


def start(program, *arguments, prepare=heed_all_signals):
    """Starts a program that says when it is busy."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=prepare,
    )
    assert process.stdout.readline() == "busy\n"
    return process


BUSY = """
import argparse, sys, time
from pathlib import Path
from kdmri_tf.cli import launch
from kdmri_tf.files import replacing
path = Path(sys.argv.pop())
def main(arguments):
    with replacing(path) as place:
        place.write_text("half of it")
        print("busy", flush=True)
        time.sleep(3)
launch.run(main, argparse.ArgumentParser(), "all continues")
"""


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_words_status_and_half_a_file(tmp_path, number, status):
    process = start(BUSY, tmp_path / "a.txt")
    process.send_signal(number)
    output, error = process.communicate(timeout=60)
    assert process.returncode == status
    assert (output, error) == ("", "\nStopped; all continues with the same command.\n")
    assert list(tmp_path.iterdir()) == []


def test_what_is_ignored_stays_ignored(tmp_path):
    """As under `nohup`, and behind `&` in a script."""

    def ignore():
        for number in (signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)

    process = start(BUSY, tmp_path / "a.txt", prepare=ignore)
    for number in (signal.SIGHUP, signal.SIGINT):
        process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert (tmp_path / "a.txt").read_text() == "half of it"


STUBBORN = """
import argparse, time
from kdmri_tf.cli import launch
def main(arguments):
    for _ in range(3):
        try:
            print("busy", flush=True)
            time.sleep(600)
        except KeyboardInterrupt:  # as where Python drops it
            pass
launch.run(main, argparse.ArgumentParser())
"""


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_whatever_goes_on(second):
    process = start(STUBBORN)
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "busy\n"
    process.send_signal(second)
    output, _ = process.communicate(timeout=60)
    assert (process.returncode, output) == (-second, "")


DELETING = """
import argparse, time
from kdmri_tf.cli import launch
class Slow:
    def __del__(self):
        print("busy", flush=True)
        time.sleep(1)
def main(arguments):
    slow = Slow()
    del slow
    time.sleep(60)
launch.run(main, argparse.ArgumentParser(), "all continues")
"""


def test_a_signal_while_an_object_is_deleted_is_not_lost():
    """Python drops what it raises there."""
    process = start(DELETING)
    process.send_signal(signal.SIGTERM)
    output, error = process.communicate(timeout=30)
    assert process.returncode == 143
    assert (output, error) == ("", "\nStopped; all continues with the same command.\n")
