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
from kdmri_tf.export import LARGEST_LOSS, export_network
from kdmri_tf.export_samples import samples_of
from kdmri_tf.models import DCCNN
from kdmri_tf.vdsr import VDSR

NETWORKS = (DCCNN, VDSR)

# First word of a stage's folder -> the name under which its network is evaluated.
ROLES = {
    "teacher": "teacher",
    "sft": "SFT teacher",
    "student": "student",
    "kd": "KD student",
    "joint": "KD student",
}


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
        """Saves the network of the stage, which is then finished."""
        self.save(network, self.model_path.name)

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

    Args:
        run_dir: folder of the run.
        name: of the stage, such as "teacher-D5C5".
        config: everything that determines the result; must be JSON.
        facts: what follows from it and an exported network should know; JSON, too.

    Raises:
        InputError: the folder was made with another configuration; the message names what differs.
    """
    folder = Path(run_dir) / name
    path = folder / "config.json"
    if path.exists():
        check_config(folder, config)
    else:
        folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        content = {"config": config, "facts": facts or {}, "environment": _environment()}
        partial.write_text(json.dumps(content, indent=2))
        partial.replace(path)
    return Stage(folder, config)


def check_config(folder, config):
    """Refuses the folder of a stage that was made with other settings.

    Args:
        folder: of the stage.
        config: the settings that must be the same; others in the folder are not compared.

    Raises:
        InputError: the message names each setting that differs.
    """
    earlier, config = read_config(folder), json.loads(json.dumps(config))
    different = [
        f"{key} ({earlier.get(key)!r} there, {config[key]!r} now)"
        for key in sorted(config)
        if earlier.get(key) != config[key]
    ]
    if different:
        raise InputError(
            f"{folder} was made with other settings: {'; '.join(different)}. Give another "
            "--run-dir, delete that folder, or use its model.keras as it is (--teacher, --student)."
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
    except (ValueError, OSError, TypeError, KeyError) as error:
        raise InputError(f"{path} is not a readable .keras model ({error}).") from error
    if not isinstance(network, NETWORKS):
        known = " or ".join(known.__name__ for known in NETWORKS)
        raise InputError(f"{path} holds a {type(network).__name__}, not a {known}.")
    return network


def read_config(folder):
    """The configuration in the `config.json` of a stage's folder."""
    return json.loads((Path(folder) / "config.json").read_text())["config"]


def describe(model_path, network):
    """The facts that travel with an exported network, as JSON values.

    Its architecture with all arguments and, where the `.keras` file lies in the folder of its
    stage: the configuration of that stage (data set, source, mask, acceleration and settings), the
    lines that the mask measures, and its metrics, if the run has been evaluated.
    """
    folder = Path(model_path).parent
    try:
        stage = json.loads((folder / "config.json").read_text())
        known = {**stage["config"], **stage.get("facts", {})}
    except (OSError, ValueError, KeyError, TypeError):
        known = {}  # the folder of something else
    return {
        **known,
        "architecture": network.architecture,
        **network.hyperparameters,
        "parameters": network.count_params(),
        "metrics": _metrics(folder),
        "intended_use": "research only, not for clinical use",
    }


def _metrics(folder):
    """Mean and deviation of each metric of a stage's network, or None."""
    try:
        networks = json.loads((folder.parent / "evaluation.json").read_text())["networks"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    for name in (folder.name, ROLES.get(folder.name.split("-")[0])):
        if name in networks:
            return networks[name]
    return None


def export_trained(
    model_path,
    output,
    format="saved_model",
    quantize=None,
    largest_loss=LARGEST_LOSS,
    samples=None,
    **places,
):
    """Exports a `.keras` network, checked on slices as it was trained on, and says how it agrees.

    Args:
        model_path: the network.
        output, format, quantize, largest_loss: as for `export_network`.
        samples: `Samples`; None for those of `samples_of`.
        places: other arguments of `samples_of`.

    Raises:
        InputError: no such network, or as `export_network` and `samples_of`.
    """
    network = load_network(model_path)
    metadata = describe(model_path, network)
    agreement = export_network(
        network,
        output,
        format,
        quantize,
        samples=samples or samples_of(metadata, network, **places),
        metadata=metadata,
        largest_loss=largest_loss,
    )
    print(
        f"{format} {output}: differs from the network by {agreement.difference:.1e} at most, loses "
        f"{max(agreement.loss, 0):.4f} dB, on {agreement.samples}."
    )


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
