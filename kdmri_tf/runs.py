"""Run folders: one folder a stage; reused, resumed, or refused when its settings differ."""

import contextlib
import hashlib
import json
import platform
import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import filelock
import keras

from kdmri_tf.errors import InputError
from kdmri_tf.models import DCCNN
from kdmri_tf.vdsr import VDSR

NETWORKS = (DCCNN, VDSR)

# The state of a training after its last full epoch, in the folder of its stage.
STATE_FILE = "state.npz"

# Settings that say in words what another has as a digest: a mask's file may change its name.
DESCRIPTIONS = {"mask": "mask_sha256"}

# In `evaluation.json`, what tells which network was measured.
WEIGHTS_DIGEST = "weights_sha256"


@dataclass(frozen=True)
class Stage:
    """The folder of one trained network.

    Attributes:
        folder: holds `config.json`, `state.npz`, `log.csv`, `tensorboard/` and `model.keras`.
        config: the settings that determine the result.
    """

    folder: Path
    config: dict

    @property
    def model_path(self):
        """Where the finished network lies."""
        return self.folder / "model.keras"

    @property
    def state_path(self):
        """The state of training after its last full epoch."""
        return self.folder / STATE_FILE

    @property
    def is_finished(self):
        return self.model_path.exists()

    @property
    def is_begun(self):
        """Whether there is anything that its settings have made."""
        return self.is_finished or self.state_path.exists()

    @property
    def teacher_cache(self):
        """Where the teacher's outputs are kept during training."""
        return self.folder / "teacher-cache"

    @contextlib.contextmanager
    def training(self):
        """Keeps other processes from training the same stage; a killed one keeps nobody.

        Raises:
            InputError: another process is training it.
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
        finally:
            lock.release()

    def finish(self, network):
        """Saves the network of the stage, which is then finished."""
        self.save(network, self.model_path.name)
        shutil.rmtree(self.teacher_cache, ignore_errors=True)

    def save(self, network, name):
        """Saves a network in float32, whatever precision it was trained in."""
        config = {**network.get_config(), "dtype": "float32", "trainable": True}
        saved = type(network).from_config(config)
        saved.set_weights(network.get_weights())
        partial = self.folder / "partial.keras"
        saved.save(partial)
        partial.replace(self.folder / name)


def open_stage(run_dir, name, config, facts=None):
    """Makes the folder of a stage, or takes up the one that is there.

    A folder without a full epoch of training is made anew.

    Args:
        run_dir: folder of the run.
        name: of the stage, such as "teacher-D5C5".
        config: everything that determines the result; must be JSON.
        facts: what follows from it and an exported network should know; JSON, too.

    Raises:
        InputError: the folder cannot be written, was made with another configuration (the message
            names what differs), is in use by another process, or holds a network that no
            configuration tells of.
    """
    stage = Stage(Path(run_dir) / name, config)
    if stage.is_begun:
        check_config(stage.folder, config, entirely=True)
        return stage
    path = stage.folder / "config.json"
    content = {"config": config, "facts": facts or {}, "environment": _environment()}
    partial = path.with_suffix(".partial")
    try:
        stage.folder.mkdir(parents=True, exist_ok=True)
        with stage.training():  # another process may be in its first epoch
            partial.write_text(json.dumps(content, indent=2))
            partial.replace(path)
    except OSError as error:
        raise InputError(
            f"The folder {stage.folder} cannot be written ({error.strerror}); give another "
            "--run-dir."
        ) from error
    return stage


def check_config(folder, config, entirely=False):
    """Refuses the folder of a stage that was made with other settings.

    Args:
        folder: of the stage.
        config: the settings that must be the same.
        entirely: whether the folder must have no others.

    Raises:
        InputError: the message names each setting that differs; or there are none.
    """
    different = differences(folder, config, entirely)
    if different:
        raise InputError(
            f"{folder} was made with other settings: {different}. Give another --run-dir, delete "
            "that folder, or give its model.keras, if it has one, as the network."
        )


def differences(folder, config, entirely=False):
    """In words, what `check_config` refuses; empty if there is nothing."""
    earlier, config = read_config(folder), json.loads(json.dumps(config))
    compared = earlier.keys() | config.keys() if entirely else config.keys()
    different = {key for key in compared if earlier.get(key) != config.get(key)}
    if not (earlier.get("random_masks") or config.get("random_masks")):  # many, drawn by name
        different -= {words for words, digest in DESCRIPTIONS.items() if digest not in different}
    return "; ".join(
        f"{key} ({earlier.get(key)!r} there, {config.get(key)!r} now)" for key in sorted(different)
    )


def load_network(path):
    """Loads a trained `DCCNN` or `VDSR` from a `.keras` file.

    Raises:
        InputError: the file is missing, unreadable or holds another kind of model.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"There is no model {path}; give a .keras file that training wrote.")
    try:
        network = keras.models.load_model(path, compile=False)
    except MemoryError:
        raise
    except Exception as error:  # whatever Keras and zipfile make of a damaged file
        raise InputError(f"{path} is not a readable .keras model ({error}).") from error
    if not isinstance(network, NETWORKS):
        known = " or ".join(known.__name__ for known in NETWORKS)
        raise InputError(f"{path} holds a {type(network).__name__}, not a {known}.")
    return network


def read_config(folder):
    """The configuration in the `config.json` of a stage's folder.

    Raises:
        InputError: there is none.
    """
    path = Path(folder) / "config.json"
    try:
        return dict(json.loads(path.read_text())["config"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} is missing or unreadable, so that nobody knows how {folder} was trained: give "
            "another --run-dir, or its model.keras as the network."
        ) from error


def weights_digest(network):
    """SHA-256 of a network's weights, in hexadecimal."""
    digest = hashlib.sha256()
    for weight in network.get_weights():
        digest.update(weight.tobytes())
    return digest.hexdigest()


def _environment():
    packages = ("kdmri_tf", "tensorflow", "keras", "tensorflow-datasets", "numpy")
    return {
        "command": " ".join(sys.argv),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        **{name: version(name) for name in packages},
    }
