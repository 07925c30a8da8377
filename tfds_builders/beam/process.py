"""The process that runs a pipeline, from the side that waits for it."""

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from kdmri_tf.errors import InputError
from tfds_builders.beam.options import is_local

PIPELINE = "pipeline.pickle"
WORKER_DIED = 3  # exit status
SECONDS_BETWEEN_LOOKS = 0.1
LINES_SHOWN = 30


class PipelineProcess:
    """Waits for a pipeline.

    Args:
        process: runs it.
        log: what it writes, if that is not shown.
    """

    def __init__(self, process: subprocess.Popen[bytes], log: IO[bytes] | None) -> None:
        self._process = process
        self._log = log

    def wait_a_moment(self) -> bool:
        """Waits a little; returns whether the pipeline still runs.

        Raises:
            InputError: a worker was killed.
            RuntimeError: the pipeline failed otherwise; with what it wrote.
        """
        time.sleep(SECONDS_BETWEEN_LOOKS)  # `wait` with a timeout looks a hundred times a second
        status = self._process.poll()
        if status is None:
            return True
        if status == WORKER_DIED or status == -signal.SIGKILL:
            raise InputError(
                "A process that was preparing data was killed, which happens when the memory is "
                "full: use fewer workers (--num-workers; in code num_workers)."
            )
        if status != 0:
            raise RuntimeError(f"Apache Beam failed:\n{self._written()}")
        return False

    def _written(self) -> str:
        if self._log is None:
            return "see above"
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").splitlines()
        return "\n".join(lines[-LINES_SHOWN:])


@contextlib.contextmanager
def pipeline_process(folder: Path, num_volumes: int, options: Any) -> Iterator[PipelineProcess]:
    """Starts the pipeline of a job, and ends it in any case.

    Args:
        folder: of the job.
        num_volumes: of all splits.
        options: flags, or `PipelineOptions`; with flags, for workers of this computer, what Beam
            writes is shown only if it fails.
    """
    (folder / PIPELINE).write_bytes(pickle.dumps((num_volumes, options)))
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(tempfile.TemporaryFile()) if is_local(options) else None
        process = subprocess.Popen(
            [sys.executable, "-m", "tfds_builders.beam.pipeline", str(folder)],
            stdin=subprocess.PIPE,  # closes when this process ends, however it does
            stdout=log,
            stderr=None if log is None else subprocess.STDOUT,
            env=_environment(),
            start_new_session=True,  # Ctrl-C is for this process, which ends the other
        )
        try:
            yield PipelineProcess(process, log)
        finally:
            _end(process)


def _environment() -> dict[str, str]:
    """Returns the environment, in which the same modules are found and no worker takes a GPU."""
    path = os.pathsep.join(filter(None, sys.path))
    return {**os.environ, "PYTHONPATH": path, "CUDA_VISIBLE_DEVICES": "-1"}


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends a process and all that it started."""
    if hasattr(os, "killpg"):
        # Of a group that has ended, macOS says that it may not be killed.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
    assert process.stdin is not None
    process.stdin.close()
