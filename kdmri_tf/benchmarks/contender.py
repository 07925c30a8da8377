"""The process of a contender: it is told what to do and then takes turns.

Imports no framework: each contender has its own.
"""

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Task = dict[str, Any]  # what a contender is told, as JSON
Work = Callable[[int], int]  # does so many executions and returns how many slices they were


def take_part(prepare: Callable[[Task], Work]) -> None:
    """Runs this process as a contender of `measure`.

    Args:
        prepare: function of the task, the JSON object in the first argument of the process. If the
            task has `threads`, the process is first restricted to as many cores, for libraries
            that count them when they are imported.
    """
    answers = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):  # standard output is for answers alone
        task = json.loads(sys.argv[1])
        if "threads" in task and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: task["threads"]])
        work = prepare(task)
        for line in sys.stdin:
            start = time.perf_counter()
            slices = work(int(line))
            answer = {"seconds": time.perf_counter() - start, "slices": slices}
            print(json.dumps(answer), file=answers, flush=True)


def repeating(execute: Callable[[], object], slices: int) -> Work:
    """Returns the work that calls a function again and again.

    Args:
        execute: one execution.
        slices: in each execution.
    """

    def work(executions: int) -> int:
        for _ in range(executions):
            execute()
        return executions * slices

    return work


def load_slices(
    path: Path | str, batch_size: int
) -> tuple[dict[str, NDArray[np.float32]], NDArray[np.float32]]:
    """Loads the first slices of an `.npz` file of arrays `(slices, ...)`.

    Returns:
        (the network's inputs by name and in order, the images that are expected of them).
    """
    with np.load(path) as file:
        arrays = {name: file[name][:batch_size] for name in file.files}
    expected = arrays.pop("expected")
    return arrays, expected


def check_agreement(
    image: NDArray[np.float32], expected: NDArray[np.float32], tolerance: float
) -> None:
    """Ends the process if an image is not the expected one: its speed would mean nothing."""
    difference = np.abs(image - expected).max()
    if not difference <= tolerance:  # NaN, too
        sys.exit(
            f"Its image differs by {difference:.1e} from that of the network, more than "
            f"{tolerance:.0e}."
        )
