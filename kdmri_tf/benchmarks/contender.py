"""What a contender of the inference benchmark does: cores, slices, agreement, turns.

Imports no framework: each contender has one of its own.
"""

import contextlib
import json
import os
import sys
import time

import numpy as np


def take_part(prepare):
    """Runs this process as a contender, as `benchmark` describes it.

    Args:
        prepare: function of what the process was told, the JSON object in its first argument. It
            gives the function that is timed, without arguments, and how many slices that does. It
            is called after the process was restricted to as many cores as there are `threads`,
            for libraries that count them when they are imported.
    """
    answers = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):  # so that only answers stand there
        task = json.loads(sys.argv[1])
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: task["threads"]])
        execute, slices = prepare(task)
        for line in sys.stdin:
            executions = int(line)
            start = time.perf_counter()
            for _ in range(executions):
                execute()
            answer = {"seconds": time.perf_counter() - start, "slices": executions * slices}
            print(json.dumps(answer), file=answers, flush=True)


def load_slices(path, batch_size):
    """The first slices of an `.npz` file of arrays `(slices, ...)`.

    Returns:
        (the network's inputs by name and in order, the images that are expected of them).
    """
    with np.load(path) as file:
        arrays = {name: file[name][:batch_size] for name in file.files}
    expected = arrays.pop("expected")
    return arrays, expected


def check_agreement(image, expected, tolerance):
    """Ends the process if an image is not the expected one: its speed would mean nothing."""
    difference = np.abs(image - expected).max()
    if not difference <= tolerance:  # NaN, too
        sys.exit(
            f"Its image differs by {difference:.1e} from that of the network, more than "
            f"{tolerance:.0e}."
        )
