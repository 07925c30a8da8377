"""glibc's allocator, set to keep the memory that training allocates and frees in every step.

By default it gives large blocks back to the system at once and gets them anew, page by page, in the
next step. Measured: train/benchmark.py; RESULTS.md has the figures.
"""

import os
import platform
import sys

SETTINGS = {
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "100000000000",
    "MALLOC_TOP_PAD_": "67108864",
}


def keep_memory():
    """Starts this process anew, under the same number, with `SETTINGS` in its environment.

    glibc reads them at the start alone. Does nothing where another library allocates, or where one
    of them is set already, by the user or by this function.
    """
    if platform.libc_ver()[0] == "glibc" and not SETTINGS.keys() & os.environ.keys():
        command = [sys.executable, *sys.orig_argv[1:]]
        os.execve(sys.executable, command, {**os.environ, **SETTINGS})
