"""Run folders: one folder a stage; reused, resumed, or refused when its settings differ."""

import contextlib
import json
import platform
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import filelock

from kdmri_tf.errors import InputError
from kdmri_tf.files import is_full_disk, replacing
from kdmri_tf.networks.network import Network
from kdmri_tf.networks.saved import load_network, save_network
from kdmri_tf.training.stage_differences import CONFIG_FILE, check_config

# The state of a training after its last full epoch, in the folder of its stage.
STATE_FILE = "state.npz"

# The finished network of a stage, beside it.
MODEL_FILE = "model.keras"

# The student that a student-friendly teacher was trained with, beside it in its stage.
SFT_STUDENT = "student.keras"


@dataclass(frozen=True)
class Stage:
    """Names the folder of one trained network and what lies in it.

    Attributes:
        folder: holds `config.json`, `state.npz`, `log.csv`, `tensorboard/` and `model.keras`.
        config: the settings that determine the result.
    """

    folder: Path
    config: Mapping[str, Any]

    @property
    def model_path(self) -> Path:
        """Returns where the finished network lies."""
        return self.folder / MODEL_FILE

    @property
    def state_path(self) -> Path:
        """Returns where the state of training after its last full epoch lies."""
        return self.folder / STATE_FILE

    @property
    def is_finished(self) -> bool:
        """Tells whether the network is trained."""
        return self.model_path.exists()

    @property
    def is_begun(self) -> bool:
        """Tells whether there is anything that its settings have made."""
        return self.is_finished or self.state_path.exists()

    @property
    def teacher_outputs(self) -> Path:
        """Returns the folder in which the teacher's outputs are kept during training."""
        return self.folder / "teacher-cache"

    @contextlib.contextmanager
    def training(self) -> Iterator[None]:
        """Keeps other processes from training the same stage; a killed process keeps nobody.

        Raises:
            InputError: another process is training it; or, while this one did, its folder was
                deleted or the disk became full.
        """
        lock = filelock.FileLock(self.folder / "lock")
        try:
            lock.acquire(blocking=False)
        except filelock.Timeout as error:
            raise InputError(
                f"{self.folder} is being trained by another process: wait for it, or give another "
                "--run-dir."
            ) from error
        try:
            yield
        except Exception as error:  # TensorFlow and HDF5 have their own types for a full disk
            reason = self._lost(error)
            if reason is None:
                raise
            raise InputError(reason) from error
        finally:
            lock.release()

    def _lost(self, error: Exception) -> str | None:
        """Says which mishap of its folder, if any, ended a training."""
        if isinstance(error, InputError):
            return None
        if not self.folder.is_dir():
            return (
                f"{self.folder} was deleted during training; the same command trains this stage "
                "from the beginning."
            )
        if is_full_disk(error):
            return (
                f"There is no space left on the disk of {self.folder}: make room, and the same "
                "command continues after the last full epoch."
            )
        return None

    def load(self) -> Network:
        """Loads the finished network.

        Raises:
            InputError: it is damaged; the message says how to train it again.
        """
        try:
            return load_network(self.model_path)
        except InputError as error:
            raise InputError(f"{error} Delete {self.folder} to train it again.") from error

    def finish(self, network: Network) -> None:
        """Saves the network of the stage, which is then finished."""
        self.save(network, self.model_path.name)
        shutil.rmtree(self.teacher_outputs, ignore_errors=True)

    def save(self, network: Network, name: str) -> None:
        """Saves a network in float32, whatever precision it was trained in."""
        save_network(network, self.folder / name)


def open_stage(
    run_dir: Path | str,
    name: str,
    config: Mapping[str, Any],
    facts: Mapping[str, Any] | None = None,
    writes: bool = True,
) -> Stage:
    """Makes the folder of a stage, or takes up the one that is there.

    A folder without a full epoch of training is made anew.

    Args:
        run_dir: folder of the run.
        name: of the stage, such as "teacher-D5C5".
        config: everything that determines the result, as JSON values.
        facts: what follows from it and an exported network should know, as JSON values.
        writes: whether this process makes the folder, one of several workers alone; the others
            find it there.

    Raises:
        InputError: the folder cannot be written to or, without `writes`, is not there; it was made
            with another configuration (the message names what differs), is in use by another
            process, or holds a network without a configuration.
    """
    stage = Stage(Path(run_dir) / name, config)
    if not writes and not (stage.folder / CONFIG_FILE).exists():
        raise InputError(
            f"This worker does not see {stage.folder}, which the first one has made: give all of "
            "them one --run-dir (in code run_dir) on a disk that they share."
        )
    if stage.is_begun or not writes:
        check_config(stage.folder, config, entirely=True)
        return stage
    path = stage.folder / CONFIG_FILE
    content = {"config": config, "facts": facts or {}, "environment": _environment()}
    try:
        stage.folder.mkdir(parents=True, exist_ok=True)
        with (
            stage.training(),  # another process may be in its first epoch
            replacing(path) as place,
        ):
            place.write_text(json.dumps(content, indent=2))
    except OSError as error:
        raise InputError(
            f"The folder {stage.folder} cannot be written to ({error.strerror}); give another "
            "--run-dir."
        ) from error
    return stage


def _environment() -> dict[str, str]:
    """Describes the command, this computer and the packages."""
    packages = ("kdmri_tf", "tensorflow", "keras", "tensorflow-datasets", "numpy")
    return {
        "command": " ".join(sys.argv),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        **{name: version(name) for name in packages},
    }
