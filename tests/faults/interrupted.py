"""Runs a command and sends it a signal at a chosen moment."""

import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from heeded_signals import heed_all_signals

LIMIT = 600  # seconds; none of the commands takes a tenth of it
PAUSE = 0.5  # seconds between SIGSTOP and SIGCONT
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP)


@dataclass(frozen=True)
class Moment:
    """So many seconds after the start, or after so many lines of output."""

    seconds: float
    lines: int = 0

    def earlier(self, lasted: float) -> "Moment":
        """Returns another one, for a process that lasted so many seconds and ended before this."""
        if self.lines > 1:
            return replace(self, lines=self.lines - 1)
        return Moment(0.8 * min(self.seconds, lasted), self.lines)


@dataclass
class Ended:
    """How a process ended: its status, its lines with their times, and whether it was hit."""

    status: int = 0
    lines: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    seconds: float = 0
    was_hit: bool = False

    @property
    def text(self) -> str:
        return "".join(self.lines)


def run(
    words: Sequence[str], number: signal.Signals | None = None, moment: Moment | None = None
) -> Ended:
    """Runs a command to its end, and sends it the signal at that moment if it still runs.

    SIGSTOP is followed by SIGCONT.

    Raises:
        TimeoutError: it does not end.
    """
    ended, start = Ended(), time.monotonic()
    process = subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        preexec_fn=heed_all_signals,
    )

    def follow() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            ended.times.append(time.monotonic() - start)
            ended.lines.append(line)

    reader = threading.Thread(target=follow)
    reader.start()
    try:
        if number is not None and moment is not None:
            ended.was_hit = _wait(process, ended, moment, start) and _send(process, number)
        ended.status = process.wait(max(LIMIT - (time.monotonic() - start), 1))
    except subprocess.TimeoutExpired as error:
        raise TimeoutError(f"no end after {LIMIT} s: {ended.text}") from error
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        reader.join()
        process.stdout.close()
    ended.seconds = time.monotonic() - start
    return ended


def moments(quiet: Ended, number: int, seed: str) -> list[Moment]:
    """Draws moments between the first output of a quiet run and its end.

    They are spread over its length, and in turn follow the clock and its lines.
    """
    rng = random.Random(seed)
    drawn = []
    for index in range(number):
        share = (index + rng.random()) / number
        if index % 2:
            place = min(int(share * len(quiet.lines)), len(quiet.lines) - 1)
            times = [*quiet.times, quiet.seconds]
            drawn.append(Moment(rng.random() * (times[place + 1] - times[place]), place + 1))
        else:
            first = quiet.times[0]
            drawn.append(Moment(first + share * (quiet.seconds - first)))
    return drawn


def _wait(process: subprocess.Popen, ended: Ended, moment: Moment, start: float) -> bool:
    """Waits for the moment; returns False if the process ends before."""
    since = None if moment.lines else start
    while process.poll() is None:
        if since is None and len(ended.lines) >= moment.lines:
            since = time.monotonic()
        if since is not None and time.monotonic() >= since + moment.seconds:
            return True
        if time.monotonic() > start + LIMIT:
            return False
        time.sleep(0.002)
    return False


def _send(process: subprocess.Popen, number: signal.Signals) -> bool:
    process.send_signal(number)
    if number == signal.SIGSTOP:
        time.sleep(PAUSE)
        process.send_signal(signal.SIGCONT)
    return True
