"""That the cost of training grows with slices and epochs in proportion, and its memory does not.

A training runs in a process of its own, `python -m kdmri_tf.benchmark_scaling` with the arguments
of `train_student` in one JSON list.
"""

import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from tqdm import tqdm

from kdmri_tf.benchmark import peak_memory
from kdmri_tf.errors import InputError
from kdmri_tf.folders import make_folder
from kdmri_tf.loading import load_data
from kdmri_tf.models import DCCNN
from kdmri_tf.parallel import describe_device, divide_cores
from kdmri_tf.phantoms import phantom_volume
from kdmri_tf.settings import TrainingSettings
from kdmri_tf.training import train

SLICES = (24, 48, 96)
EPOCHS = (1, 2, 4)
VALIDATION_SLICES = 2

COLUMNS = ("slices", "epochs", "seconds", "milliseconds_per_slice_and_epoch", "peak_memory_bytes")


def run(folder, image_size, batch_size):
    """Measures and writes `scaling.md` and `scaling.csv` to a folder.

    Returns:
        The text of `scaling.md`.

    Raises:
        InputError: the folder cannot be made, or a training failed.
    """
    make_folder(folder, "--output")
    return write_scaling(measure_scaling(image_size, batch_size), folder, describe_device())


def measure_scaling(image_size, batch_size, slices=SLICES, epochs=EPOCHS):
    """Trains the student on so many slices for so many epochs, each in a process of its own.

    Args:
        image_size: (H, W).
        batch_size: slices a step.
        slices: numbers of training slices.
        epochs: numbers of epochs, beside a first one that is not timed.

    Returns:
        A dictionary of `COLUMNS` for every number of slices and every number of epochs.

    Raises:
        InputError: a training failed.
    """
    rows = []
    runs = [(num_slices, num_epochs) for num_slices in slices for num_epochs in epochs]
    for num_slices, num_epochs in tqdm(runs, desc="scaling", unit="training", disable=None):
        arguments = json.dumps([image_size, batch_size, num_slices, num_epochs])
        command = [sys.executable, "-m", "kdmri_tf.benchmark_scaling", arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise InputError(f"The training failed: {done.stderr.strip().splitlines()[-1]}")
        seconds, memory = json.loads(done.stdout.splitlines()[-1])
        each = 1000 * seconds / (num_slices * num_epochs)
        values = (num_slices, num_epochs, seconds, each, memory)
        rows.append(dict(zip(COLUMNS, values, strict=True)))
    return rows


def write_scaling(rows, folder, device):
    """Writes `scaling.csv` and `scaling.md`; returns the text of the latter."""
    with open(folder / "scaling.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    lines = [
        f"**Training the student on {device}, a process a row.** SYNTHETIC images. Seconds after a "
        f"first epoch, with validation on {VALIDATION_SLICES} slices after every epoch.",
        "",
        "| slices | epochs | seconds | ms per slice and epoch | peak memory |",
        "| --- | --- | --- | --- | --- |",
    ]
    for slices, epochs, seconds, milliseconds, memory in (row.values() for row in rows):
        gigabytes = "-" if memory is None else f"{memory / 1e9:.2f} GB"
        lines.append(f"| {slices} | {epochs} | {seconds:.1f} | {milliseconds:.1f} | {gigabytes} |")
    table = "\n".join(lines) + "\n"
    (folder / "scaling.md").write_text(table, encoding="utf-8")
    return table


def train_student(image_size, batch_size, num_slices, num_epochs):
    """Trains in this process.

    Returns:
        (seconds of all epochs but the first, peak memory in bytes or None).
    """
    divide_cores(batch_size)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for split, count in (("train", num_slices), ("validation", VALIDATION_SLICES)):
            raw = folder / "raw" / "cardiac" / "folder" / split
            raw.mkdir(parents=True)
            np.save(raw / f"{split}.npy", phantom_volume("cardiac", image_size, count, seed=0))
        data = load_data(
            "cardiac",
            source="folder",
            manual_dir=folder / "raw",
            data_dir=folder / "prepared",
            image_size=tuple(image_size),
        )
        stage = folder / "student"
        stage.mkdir()
        network = DCCNN.from_name("D3C5")
        settings = TrainingSettings(epochs=1 + num_epochs, batch_size=batch_size)
        train(network, network, data, stage, settings, loss="mae")
        with open(stage / "log.csv", newline="") as file:
            seconds = [float(epoch["seconds"]) for epoch in csv.DictReader(file)]
    return sum(seconds[1:]), peak_memory()


if __name__ == "__main__":
    print(json.dumps(train_student(*json.loads(sys.argv[1]))))
