"""Contenders that take turns: their throughput in one interleaved run of separate processes.

A contender is a command. It builds what it measures, and then answers every line on its standard
input, a number of executions, with one JSON line: the `seconds` they took and the `slices` they
did. Between turns it waits for input and costs no time. Anything that speaks this way may be a
contender: training or inference, in any framework, with its own threads and allocator.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from tqdm import tqdm

from kdmri_tf.benchmarks.environments import environment_of
from kdmri_tf.benchmarks.groups import Contender, Group
from kdmri_tf.benchmarks.report import AnyGroup, Report, Turn
from kdmri_tf.progress import follow


def measure(report: Report[AnyGroup], rounds: int, seconds: float) -> None:
    """Lets the contenders of each session of a report take turns, one turn each a round.

    A slow moment of the machine then meets all of them, and the ratio of two turns of one round
    says more than that of two medians. A turn is as many executions as filled `seconds` when the
    contender was warm, and at least one. A contender that fails is reported and left out.

    Args:
        report: its sessions are measured one after another; it gets the turns and the failures.
        rounds: turns of each contender, after the two executions that warm it up.
        seconds: length of a turn.
    """
    sessions = [
        [(group, contender) for group in groups for contender in group.contenders]
        for groups in report.sessions
    ]
    total = (1 + rounds) * sum(map(len, sessions))
    with follow(what="measuring", unit="turn", total=total) as turns:
        for session in sessions:
            turns.set_description(session[0][0].title)
            with ExitStack() as stack:
                workers = []
                for group, contender in session:  # one at a time, as each needs all cores
                    workers.append(stack.enter_context(_running(group, contender)))
                    workers[-1].warm_up(seconds)
                    turns.update()
                for number in range(1, rounds + 1):
                    for worker in workers:
                        answer = worker.take_turn()
                        if answer is not None:
                            report.turns.append(Turn(worker.group, worker.name, number, **answer))
                        turns.update()
            for worker in workers:
                if worker.failure is not None:
                    report.failures[worker.group, worker.name] = worker.failure


@contextmanager
def _running(group: Group, contender: Contender) -> Iterator["_Worker"]:
    """Yields the worker of a group's contender, whose process ends with the context."""
    with (
        tempfile.TemporaryFile(mode="w+", errors="replace") as errors,
        subprocess.Popen(
            contender.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment_of(contender.environment, os.environ),
            text=True,
        ) as process,
    ):
        try:
            yield _Worker(group, contender.name, process, errors)
        finally:
            process.kill()
            with suppress(BrokenPipeError):
                if process.stdin is not None:
                    process.stdin.close()


class _Worker:
    """Speaks with the running process of a contender.

    Attributes:
        group: of the contender.
        name: of the contender.
        failure: why it can take no more turns, or None.
    """

    def __init__(
        self, group: Group, name: str, process: subprocess.Popen[str], errors: IO[str]
    ) -> None:
        self.group = group
        self.name = name
        self.failure: str | None = None
        self._process = process
        self._errors = errors
        self._executions = 1

    def warm_up(self, seconds: float) -> None:
        """Executes twice, the second time to see how many executions fill a turn."""
        self.take_turn()
        answer = self.take_turn()
        if answer is not None:
            self._executions = max(1, round(seconds / answer["seconds"]))

    def take_turn(self) -> dict[str, Any] | None:
        """Returns `seconds`, `slices` and `peak_memory`; None if it fails or failed before."""
        if self.failure is not None:
            return None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(f"{self._executions}\n")
            self._process.stdin.flush()
            answer = json.loads(self._process.stdout.readline())
        except (BrokenPipeError, json.JSONDecodeError):
            self.failure = self._last_words()
            tqdm.write(f"{self.group.title}: {self.name} failed: {self.failure}", file=sys.stderr)
            return None
        return {**answer, "peak_memory": peak_memory(self._process.pid)}

    def _last_words(self) -> str:
        self._process.kill()
        status = self._process.wait()
        self._errors.seek(0)
        lines = [line.strip() for line in self._errors if line.strip()]
        return lines[-1] if lines else f"exit status {status}"


def peak_memory(process: int | str = "self") -> int | None:
    """Returns the most memory [bytes] that a process has held so far; None where nobody knows.

    So it is outside Linux, and of a process that has just ended. `getrusage` would not do: its
    maximum begins with what the parent process held.
    """
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return None
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return 1024 * int(line.split()[1])
    return None
