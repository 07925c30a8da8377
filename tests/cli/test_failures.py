"""A full disk, a full memory and missing rights end a command in a sentence, a bug does not."""

import argparse
import errno
import os
import subprocess
import sys

import pytest
from foreign_errors import wrapped

from kdmri_tf.cli import failures, launch

AGAIN = "all continues with the same command"


class ResourceExhaustedError(Exception):
    """As TensorFlow's, by name."""


class UnavailableError(Exception):
    """As TensorFlow's, by name."""


class InternalError(Exception):
    """As TensorFlow's, by name."""


WORKER = "Another worker has stopped or cannot be reached any more: start all of them again; all c"
MEMORY = "There is not enough memory for that: choose smaller batches, networks or images, or a mac"
FULL = f"There is no space left on the disk: make room; {AGAIN}."


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            UnavailableError("Collective ops is aborted by: recvmsg:Connection reset by peer"),
            WORKER,
        ),
        (wrapped(InternalError("a heartbeat did not come")), WORKER),
        (MemoryError(), MEMORY),
        (wrapped(MemoryError()), MEMORY),
        (ResourceExhaustedError("OOM when allocating tensor with shape[1000000]"), MEMORY),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), MEMORY),
        (
            OSError(errno.ENOSPC, "No space left on device", "runs/log.csv"),
            f"There is no space left on the disk of runs/log.csv: make room; {AGAIN}.",
        ),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), FULL),
        (wrapped(OSError(errno.ENOSPC, "No space left on device")), FULL),
        (OSError("Can't write data (errno = 28, error message = 'No space left on device')"), FULL),
        (ResourceExhaustedError("model.index; No space left on device"), FULL),
        (
            PermissionError(errno.EACCES, "Permission denied", "runs/model.keras"),
            f"runs/model.keras cannot be read or written (Permission denied); {AGAIN}.",
        ),
        (
            ModuleNotFoundError("No module named 'keras'", name="keras"),
            "This needs TensorFlow, which is not installed here: install kdmri_tf with all that",
        ),
    ],
)
def test_what_the_user_can_put_right(error, words):
    assert failures.sentence(error, AGAIN).startswith(words)


@pytest.mark.parametrize(
    "error",
    [
        ModuleNotFoundError("a bug", name="kdmri_tf.models"),
        ValueError("a bug"),
        OSError("of a library"),
        wrapped(KeyError("a")),
        InternalError("cuDNN failed on /job:worker/replica:0/task:1/device:GPU:0"),
    ],
)
def test_anything_else_is_a_bug(error):
    assert failures.sentence(error, AGAIN) is None


@pytest.fixture
def ended(monkeypatch, capsys):
    """Runs a command in this process that raises; returns (status, standard error)."""
    for name in ("KERAS_BACKEND", "KERAS_HOME", "MATPLOTLIBRC", "MPLBACKEND"):
        monkeypatch.setenv(name, "")
    monkeypatch.setattr(sys, "argv", ["kdmri"])
    monkeypatch.setattr(launch.stopping, "stop_in_order", lambda: None)
    monkeypatch.setattr("warnings.formatwarning", None)
    parser = argparse.ArgumentParser()

    def end(error):
        def main(_):
            raise error

        with pytest.raises(SystemExit) as status:
            launch.run(main, parser, "all continues", keeps_memory=False)
        return status.value.code, capsys.readouterr().err

    return end


def test_a_command_ends_in_one_line(ended):
    status, error = ended(MemoryError())
    assert status == 2
    assert error.startswith(f"error: {MEMORY}")
    assert error.count("\n") == 1
    with pytest.raises(ZeroDivisionError):
        ended(ZeroDivisionError())


PRINTING = """
import argparse
from kdmri_tf.cli import launch
def main(arguments):
    for number in range(10**6):
        print(number)
launch.run(main, argparse.ArgumentParser())
"""


def test_a_reader_that_has_seen_enough_is_no_error():
    """As of `kdmri evaluate ... | head -1`."""
    process = subprocess.Popen(
        [sys.executable, "-c", PRINTING], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout.readline() == b"0\n"
    process.stdout.close()
    assert (process.wait(timeout=60), process.stderr.read()) == (141, b"")
    process.stderr.close()


FILLING = """
import argparse, os
from kdmri_tf.cli import launch
def main(arguments):
    with open("/dev/full", "w") as file:
        file.write("results")
launch.run(main, argparse.ArgumentParser(), "all continues")
"""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_a_full_disk():
    done = subprocess.run(
        [sys.executable, "-c", FILLING], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (2, f"error: {FULL}\n")
