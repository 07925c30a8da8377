"""glibc's allocator, set to keep the memory that training allocates and frees in every step.

By default it gives large blocks back to the system at once and gets them again, page by page, in
the next step. RESULTS.md has the measurement.
"""

import ctypes
import os
import platform

# Parameters of `mallopt`, as malloc.h numbers them.
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4

# What variables of the environment that set the allocator begin with.
VARIABLES = ("MALLOC_", "GLIBC_TUNABLES")


def keep_memory() -> bool:
    """Makes glibc keep what is freed for what is allocated next.

    Large blocks come from the heap too, instead of from mappings of their own, and the heap never
    shrinks. Call it early: memory that was handed out before stays as it is. Nothing happens where
    another library allocates, or where one of glibc's environment variables sets the allocator.

    Returns:
        Whether it was set.

    Example:
        >>> from kdmri_tf.compute.allocator import keep_memory
        >>> was_set = keep_memory()
    """
    by_user = any(name.startswith(VARIABLES) for name in os.environ)
    if by_user or platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(M_MMAP_MAX, 0)) and bool(mallopt(M_TRIM_THRESHOLD, -1))
