"""The console command: its help, its mistakes, and that each command runs what its script runs."""

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from command_line import TRAIN, command

import kdmri_tf
from kdmri_tf.cli.main import COMMANDS

SCRIPTS = sorted(path.stem for path in TRAIN.glob("*.py"))


def kdmri(*words, python=()):
    """The ended process of `kdmri`."""
    line = [sys.executable, *python, "-m", "kdmri_tf", *words]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def test_commands_are_the_scripts():
    assert sorted(COMMANDS) == SCRIPTS


def test_help_lists_the_commands_without_tensorflow():
    done = kdmri("--help", python=("-X", "importtime"))
    assert done.returncode == 0
    for name, line in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(line)}$", done.stdout, re.MULTILINE)
    imported = {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
    assert not imported & {"tensorflow", "keras", "numpy", "kdmri_tf.cli.kd"}


def test_version():
    done = kdmri("--version")
    assert (done.returncode, done.stdout) == (0, f"kdmri {kdmri_tf.__version__}\n")


def test_the_version_is_that_of_the_installation():
    assert version("kdmri_tf") == kdmri_tf.__version__


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["recontruct"], "error: There is no command 'recontruct': did you mean reconstruct?\n"),
        (["liver"], "error: There is no command 'liver': kdmri --help lists the commands.\n"),
    ],
)
def test_an_unknown_command_ends_in_one_line(words, message):
    done = kdmri(*words)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", message)


def test_without_a_command_it_shows_its_help():
    done = kdmri()
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == kdmri("--help").stdout


def test_usage_names_the_command_as_it_was_started():
    assert kdmri("kd", "--help").stdout.startswith("usage: kdmri kd [-h]")
    mistake = kdmri("export", "a.keras", "--format", "jpeg")
    assert mistake.returncode == 2
    sentence, hint = mistake.stderr.splitlines()
    assert sentence.startswith("error: argument --format: invalid choice: 'jpeg' (choose from ")
    assert hint == "kdmri export --help lists the flags."
    script = subprocess.run(command("kd", "--help"), capture_output=True, text=True, check=True)
    assert script.stdout.startswith("usage: kd.py [-h]")


def test_the_installed_command_is_the_module():
    kdmri_beside_python = Path(sys.executable).with_name("kdmri")
    if not kdmri_beside_python.exists():
        pytest.skip("the package is not installed")
    words = [str(kdmri_beside_python), "--version"]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == (
        kdmri("--version").stdout
    )


def test_help_that_nobody_reads():
    """As behind `| head`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "kdmri_tf", "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 141
