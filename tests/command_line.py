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


def imports_of(script, *arguments, expect=0):
    """(standard output and error, names of all modules that a script imports)."""
    tracing = command(script, *arguments, python=("-X", "importtime"))
    done = subprocess.run(tracing, capture_output=True, text=True, check=False)
    assert done.returncode == expect, done.stdout + done.stderr
    modules = {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
    return done.stdout + done.stderr, modules


def imports_of_help(script):
    """Names of all modules that `--help` imports."""
    output, modules = imports_of(script, "--help")
    assert "usage:" in output
    return modules
