"""Has a worker read files, within limits of time, and starts another one where it dies."""

import json
import os
import selectors
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

SECONDS = 60  # for one file; a whole one takes less than one


@dataclass(frozen=True)
class Answer:
    """What came of a file: "read", "refused" in these words, or a fault."""

    outcome: str
    words: str
    seconds: float = 0


class Reader:
    """Reads files in a process of its own, whose working and temporary folder is `folder`.

    Args:
        wholes: (kind, path) of files that every worker reads first.
    """

    def __init__(self, folder: Path, wholes: list[tuple[str, Path]]) -> None:
        self._folder = folder
        self._wholes = wholes
        self._process: subprocess.Popen | None = None

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def read(self, kind: str, path: Path | str) -> Answer:
        """Has one file read."""
        if self._process is None:
            self._start()
        answer = self._ask(kind, path)
        if answer.outcome in ("dead", "slow"):
            self._end()
        return answer

    def _start(self) -> None:
        environment = {**os.environ, "TMPDIR": str(self._folder), "TF_CPP_MIN_LOG_LEVEL": "3"}
        environment["PYTHONPATH"] = str(Path(__file__).parents[2])
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("worker.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
            env=environment,
        )
        for kind, path in self._wholes:
            answer = self._ask(kind, path, is_whole=True)
            assert answer.outcome == "read", f"{path}: {answer}"

    def _ask(self, kind: str, path: Path | str, is_whole: bool = False) -> Answer:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write((json.dumps([kind, str(path), is_whole]) + "\n").encode())
        process.stdin.flush()
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            if not selector.select(SECONDS):
                return Answer("slow", f"no answer within {SECONDS} s")
        line = process.stdout.readline()
        if not line:
            return Answer("dead", f"the process ended with status {process.wait()}")
        return Answer(*json.loads(line))

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()
