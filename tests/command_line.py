"""Runs the scripts as users do: as processes of their own."""

import os
import subprocess
import sys
from pathlib import Path

TRAIN = Path(__file__).parents[1] / "train"


def command(script, *arguments, python=()):
    """The words that run a script; `python` are options of the interpreter."""
    words = [os.fsdecode(word) if isinstance(word, bytes) else str(word) for word in arguments]
    return [sys.executable, *python, str(TRAIN / f"{script}.py"), *words]


def run(script, *arguments, expect=0):
    """Runs a script and returns (standard output, standard error)."""
    done = subprocess.run(command(script, *arguments), capture_output=True, text=True, check=False)
    assert done.returncode == expect, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout, done.stderr


def imports_of_help(script):
    """Names of all modules that `--help` imports."""
    tracing = command(script, "--help", python=("-X", "importtime"))
    done = subprocess.run(tracing, capture_output=True, text=True, check=True)
    assert "usage:" in done.stdout
    return {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
