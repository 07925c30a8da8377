"""The allocator keeps its memory: large blocks are not fetched anew, page by page, every time."""

import os
import platform
import subprocess
import sys

import pytest

needs_glibc = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="another library allocates here"
)

# Prints whether it kept memory, and page faults of the last of ten blocks of 32 MiB.
PROGRAM = """
import resource
from kdmri_tf.compute.allocator import keep_memory
print(keep_memory())
for _ in range(10):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    block = b"a" * 2**25
    del block
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(faults)
"""


def run(**environment):
    """(whether it kept memory, page faults) in a process of its own."""
    usual = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("MALLOC_") and name != "GLIBC_TUNABLES"
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**usual, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    kept, faults = done.stdout.split()
    return kept == "True", int(faults)


@needs_glibc
def test_memory_is_kept():
    kept, faults = run()
    assert kept
    assert faults < 100  # of the 8192 pages of the block


@needs_glibc
@pytest.mark.parametrize("name", ["MALLOC_ARENA_MAX", "GLIBC_TUNABLES"])
def test_settings_of_the_user_stay_as_they_are(name):
    value = {"MALLOC_ARENA_MAX": "3", "GLIBC_TUNABLES": "glibc.malloc.arena_max=3"}[name]
    kept, faults = run(**{name: value})
    assert not kept
    assert faults > 8000
