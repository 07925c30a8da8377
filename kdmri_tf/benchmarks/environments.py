"""What contenders find around them: variables of their processes, and PyTorch."""

import importlib.util
from collections.abc import Mapping

from kdmri_tf.compute.allocator import VARIABLES as OF_ALLOCATORS
from kdmri_tf.errors import InputError

# Several contenders share a GPU.
SHARED_GPU = {"TF_FORCE_GPU_ALLOW_GROWTH": "true"}

# OpenMP threads that sleep while they wait for each other. By default they spin, and take the cores
# from one another as soon as anything else runs: 5 times slower beside one busy process.
PYTORCH_THREADS = {"OMP_WAIT_POLICY": "PASSIVE"}

# One heap that keeps its memory, in huge pages: of what glibc offers, what helps PyTorch most.
TUNED_ALLOCATOR = {
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "100000000000",
    "MALLOC_TOP_PAD_": "67108864",
}


def environment_of(chosen: Mapping[str, str], surroundings: Mapping[str, str]) -> dict[str, str]:
    """Returns all variables of a contender's process.

    The user's settings of the allocator stay out: with them `keep_memory` would do nothing, while
    tuned PyTorch sets its own.

    Args:
        chosen: the contender's own variables.
        surroundings: those of the benchmark.

    Example:
        >>> environment_of({"A": "1"}, {"A": "2", "B": "3", "MALLOC_ARENA_MAX": "4"})
        {'A': '1', 'B': '3'}
    """
    kept = {name: v for name, v in surroundings.items() if not name.startswith(OF_ALLOCATORS)}
    return {**kept, **chosen}


def check_pytorch() -> None:
    """Refuses a benchmark of PyTorch where it is not installed.

    Raises:
        InputError: it is not.
    """
    if importlib.util.find_spec("torch") is None:
        raise InputError("--torch needs PyTorch, which is not installed: run pip install torch.")
