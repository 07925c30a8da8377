"""glibc's allocator, set to keep the memory that training allocates and frees in every step.

By default it gives large blocks back to the system at once and gets them anew, page by page, in the
next step. `kdmri benchmark` measures the difference; RESULTS.md has the figures.
"""

import ctypes
import os
import platform

# Parameters of `mallopt` in malloc.h -> value
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -2, -4, -8
_SETTINGS = {
    _M_ARENA_MAX: 1,  # one heap,
    _M_MMAP_MAX: 0,  # which large blocks come from as well,
    _M_TRIM_THRESHOLD: -1,  # which never shrinks,
    _M_TOP_PAD: 2**26,  # and which grows by 64 MiB at a time
}


def keep_memory() -> bool:
    """Has glibc keep what is freed for what is allocated next.

    Call it early, before TensorFlow is imported: memory that was handed out before stays as it is.
    Does nothing where another library allocates, or where the user has set the allocator by one of
    glibc's environment variables.

    Returns:
        Whether it did.

    Example:
        >>> from kdmri_tf.compute.allocator import keep_memory
        >>> kept = keep_memory()
    """
    is_set = any(name.startswith("MALLOC_") or name == "GLIBC_TUNABLES" for name in os.environ)
    if platform.libc_ver()[0] != "glibc" or is_set:
        return False
    mallopt = ctypes.CDLL(None).mallopt
    for parameter, value in _SETTINGS.items():
        mallopt(parameter, value)
    return True
