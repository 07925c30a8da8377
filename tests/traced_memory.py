"""How much memory Python takes while something is tried."""

import contextlib
import tracemalloc


@contextlib.contextmanager
def traced_memory():
    """Yields a function that returns the largest number of bytes so far."""
    tracemalloc.start()
    try:
        yield lambda: tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
