"""The state of a training after every epoch, from which a killed run continues."""

import json
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from kdmri_tf.arrays import check_archive
from kdmri_tf.errors import InputError, in_one_line
from kdmri_tf.files import replacing, write_csv
from kdmri_tf.training.run_folder import STATE_FILE

LOG_FILE = "log.csv"


class TrainingState(keras.callbacks.Callback):
    """Saves after every epoch what a killed run needs to continue, in one file.

    That is the network's weights, the optimizer's variables, the best weights by validation loss
    and the history. (`keras.callbacks.BackupAndRestore` with `ModelCheckpoint` forgets the best
    loss so far, and would save a distiller's teacher as well.)

    Args:
        folder: has `state.npz` and `log.csv`; an existing state is restored at once.
        network: the model whose weights are trained.
        optimizer: its built optimizer.
        writes: whether this process saves the state: one of several workers alone.

    Raises:
        InputError: the state is damaged.

    Attributes:
        epoch: epochs done.
        history: one dictionary of logs per epoch.
        best_weights: the weights with the lowest `val_loss` so far.
    """

    def __init__(
        self,
        folder: Path,
        network: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        writes: bool = True,
    ) -> None:
        super().__init__()
        self.folder = Path(folder)
        self.network = network
        self.optimizer = optimizer
        self.writes = writes
        self.history: list[dict[str, float]] = []
        self.best_weights: list[NDArray[Any]] = network.get_weights()
        self._validated: list[NDArray[Any]] | None = None
        self._epoch_start = time.perf_counter()
        if self._path.exists():
            self._restore()
            if writes:
                write_csv(self.folder / LOG_FILE, self.history)

    @property
    def _path(self) -> Path:
        return self.folder / STATE_FILE

    @property
    def epoch(self) -> int:
        """Returns the number of epochs done."""
        return len(self.history)

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Starts the clock."""
        self._epoch_start = time.perf_counter()

    def on_test_end(self, logs: Mapping[str, float] | None = None) -> None:
        """Takes the weights that were validated, which may be averages that are swapped back."""
        self._validated = self.network.get_weights()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Saves the state.

        Raises:
            InputError: a loss is no longer finite; the state stays that of the epoch before.
        """
        logs = {name: float(value) for name, value in (logs or {}).items()}
        for name in ("loss", "val_loss"):
            if not math.isfinite(logs[name]):
                raise InputError(
                    f"{name} became {logs[name]} in epoch {epoch + 1}; lower the learning rate "
                    "(--lr; in code learning_rate), delete the folder of the stage and start again."
                )
        if all(logs["val_loss"] < past["val_loss"] for past in self.history):
            self.best_weights = self._validated or self.network.get_weights()
        seconds = time.perf_counter() - self._epoch_start
        self.history.append({"epoch": epoch + 1, **logs, "seconds": round(seconds, 2)})
        if self.writes:
            self._save()

    def _save(self) -> None:
        arrays: dict[str, Any] = {
            "history": json.dumps(self.history),
            **_numbered("network", self.network.get_weights()),
            **_numbered("best", self.best_weights),
            **_numbered("optimizer", [variable.numpy() for variable in self.optimizer.variables]),
        }
        with replacing(self._path) as place:
            np.savez(place, **arrays)
        write_csv(self.folder / LOG_FILE, self.history)

    def _restore(self) -> None:
        try:
            check_archive(self._path)
            with open(self._path, "rb") as file, np.load(file) as state:
                history = json.loads(str(state["history"]))
                weights, best, optimizer = (
                    _all(state, name) for name in ("network", "best", "optimizer")
                )
            if not all(math.isfinite(epoch["val_loss"]) for epoch in history):
                raise ValueError("its history has no losses")
            expected = [weight.shape for weight in self.network.get_weights()]
            for stored in (weights, best):
                if [array.shape for array in stored] != expected:
                    raise ValueError("it is the state of another network")
            self.network.set_weights(weights)
            for variable, value in zip(self.optimizer.variables, optimizer, strict=True):
                variable.assign(value)
        except MemoryError:
            raise
        except Exception as error:  # whatever NumPy, zipfile and zlib make of a damaged file
            raise InputError(
                f"{self._path} is damaged ({in_one_line(error)}): delete {self.folder}, and "
                "the same command trains this stage from the beginning."
            ) from error
        self.history, self.best_weights = history, best


def _numbered(name: str, arrays: Sequence[NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Returns arrays by names that sort in their order."""
    return {f"{name}/{index:04d}": array for index, array in enumerate(arrays)}


def _all(state: np.lib.npyio.NpzFile, name: str) -> list[NDArray[Any]]:
    """Returns the arrays of a name in their order."""
    return [state[key] for key in sorted(state.files) if key.startswith(f"{name}/")]
