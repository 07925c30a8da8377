"""The scripts' allocator: set by a restart that nothing else notices, and never twice."""

import json
import os
import platform
import subprocess
import sys

import pytest

from kdmri_tf.benchmarks import training

SHOW = """
import json, os, sys
from kdmri_tf.cli import allocator
allocator.keep_memory()
print(json.dumps([sys.argv, sys.flags.optimize, dict(os.environ)]))
"""

needs_glibc = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="another library allocates here"
)


def restarted(**environment):
    """(arguments, optimisation, environment) of a process after `keep_memory`."""
    settings = training.TUNED_ALLOCATOR
    usual = {name: value for name, value in os.environ.items() if name not in settings}
    done = subprocess.run(
        [sys.executable, "-O", "-c", SHOW, "one", "two words"],
        env={**usual, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@needs_glibc
def test_settings_and_command_survive_the_restart():
    arguments, optimisation, environment = restarted()
    assert environment.items() >= training.TUNED_ALLOCATOR.items()
    assert (arguments[1:], optimisation) == (["one", "two words"], 1)


def test_settings_of_the_user_stay_as_they_are():
    _, _, environment = restarted(MALLOC_ARENA_MAX="3")
    assert environment["MALLOC_ARENA_MAX"] == "3"
    assert "MALLOC_MMAP_MAX_" not in environment
