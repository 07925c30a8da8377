"""The program that runs the pipeline: `python -m tfds_builders.beam.pipeline FOLDER`.

It is a process of its own, in a group of its own, so that Beam's workers end with it at once: when
data are prepared after all, when they cannot be, and when the process that waits for them is gone.
"""

import os
import pickle
import signal
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any

from tfds_builders.beam.process import PIPELINE, WORKER_DIED
from tfds_builders.beam.worker import plan_shards, write_part, write_shard


def run(folder: str, num_volumes: int, options: Any) -> None:
    """Runs the pipeline: a part of each volume, then the files of the data set.

    Only numbers and lists of what is where pass through Beam; the data are in files.

    Args:
        folder: of the job.
        num_volumes: of all splits.
        options: flags, or `PipelineOptions`.
    """
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    if isinstance(options, list):
        options = PipelineOptions(options)
    with beam.Pipeline(options=options) as pipeline:
        parts = (
            pipeline
            | "Number volumes" >> beam.Create(range(num_volumes))
            | "Write parts" >> beam.Map(partial(write_part, folder))
        )
        _ = (
            pipeline
            | "Name the job" >> beam.Create([folder])
            | "Plan files" >> beam.FlatMap(plan_shards, beam.pvalue.AsList(parts))
            | beam.Reshuffle()
            | "Write files" >> beam.Map(partial(write_shard, folder))
        )


def main() -> None:
    """Runs the pipeline that a folder describes."""
    folder = sys.argv[1]
    threading.Thread(target=_end_with_parent, daemon=True).start()
    threading.excepthook = _end_with_worker
    run(folder, *pickle.loads(Path(folder, PIPELINE).read_bytes()))


def _end_with_parent() -> None:
    """Ends this process and its workers when the standard input closes."""
    while os.read(sys.stdin.fileno(), 1):  # not by `sys.stdin`, which would be locked at the end
        pass
    if hasattr(os, "killpg"):
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(1)


def _end_with_worker(details: threading.ExceptHookArgs) -> None:
    """Ends this process when a local worker has ended: Beam would wait for it forever."""
    threading.__excepthook__(details)
    if details.thread is not None and details.thread.name == "run_worker":
        sys.stderr.flush()
        os._exit(WORKER_DIED)


if __name__ == "__main__":
    main()
