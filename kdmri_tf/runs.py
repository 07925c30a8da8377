"""Run folders: one folder a stage; reused, resumed, or refused when its settings differ."""

import hashlib
import json
import platform
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import keras

from kdmri_tf.errors import InputError
from kdmri_tf.models import DCCNN


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
    def is_finished(self):
        return self.model_path.exists()

    def finish(self, network):
        """Saves the network in float32, whatever precision it was trained in."""
        saved = DCCNN.from_config({**network.get_config(), "dtype": "float32"})
        saved.set_weights(network.get_weights())
        partial = self.folder / "partial.keras"
        saved.save(partial)
        partial.replace(self.model_path)


def open_stage(run_dir, name, config):
    """Makes the folder of a stage, or takes up the one that is there.

    Args:
        run_dir: folder of the run.
        name: of the stage, such as "teacher-D5C5".
        config: everything that determines the result; must be JSON.

    Raises:
        InputError: the folder was made with another configuration; the message names what differs.
    """
    folder = Path(run_dir) / name
    path = folder / "config.json"
    config = json.loads(json.dumps(config))
    if path.exists():
        earlier = json.loads(path.read_text())["config"]
        different = [
            f"{key} ({earlier.get(key)!r} there, {config.get(key)!r} now)"
            for key in sorted({*earlier, *config})
            if earlier.get(key) != config.get(key)
        ]
        if different:
            raise InputError(
                f"{folder} was made with other settings: {'; '.join(different)}. "
                "Give another --run-dir, or delete that folder."
            )
    else:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"config": config, "environment": _environment()}, indent=2))
    return Stage(folder, config)


def load_network(path):
    """Loads a trained `DCCNN` from a `.keras` file.

    Raises:
        InputError: the file is missing, unreadable or holds another kind of model.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"There is no model {path}; give a .keras file that training wrote.")
    try:
        network = keras.models.load_model(path, compile=False)
    except (ValueError, OSError, TypeError, KeyError) as error:
        raise InputError(f"{path} is not a readable .keras model ({error}).") from error
    if not isinstance(network, DCCNN):
        raise InputError(f"{path} holds a {type(network).__name__}, not a DCCNN.")
    return network


def describe(model_path, network):
    """The facts that travel with an exported network, as JSON values.

    Its architecture and, where the `.keras` file lies in the folder of its stage, the configuration
    of that stage: data set, source, mask, acceleration and training settings.
    """
    path = Path(model_path).parent / "config.json"
    config = json.loads(path.read_text())["config"] if path.is_file() else {}
    return {
        **config,
        "architecture": network.architecture,
        "parameters": network.count_params(),
        "intended_use": "research only, not for clinical use",
    }


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
