"""Trained networks as files: saved, loaded, and the facts that travel with them."""

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kdmri_tf.arrays import check_archive
from kdmri_tf.errors import InputError, in_one_line
from kdmri_tf.files import replacing
from kdmri_tf.networks.dccnn import DCCNN
from kdmri_tf.networks.network import Network
from kdmri_tf.networks.vdsr import VDSR
from kdmri_tf.zoo.cards import card_of
from kdmri_tf.zoo.listing import network_path

NETWORKS = (DCCNN, VDSR)  # those that are made by name

LARGEST_CONFIG = 2**20  # bytes that are read of a model's config.json, to tell its class

# The key of `evaluation.json` that tells which network was measured.
WEIGHTS_DIGEST = "weights_sha256"


def save_network(network: Network, path: Path | str) -> None:
    """Writes a network in float32, whatever precision it was trained in, as a `.keras` file.

    Args:
        network: the network; it stays as it is.
        path: file to write, with the suffix `.keras`; an earlier one there is replaced whole.
    """
    config = {**network.get_config(), "dtype": "float32", "trainable": True}
    saved = type(network).from_config(config)
    saved.set_weights(network.get_weights())
    with replacing(Path(path)) as place:
        saved.save(place)


def load_network(path: Path | str) -> Network:
    """Loads a trained `DCCNN` or `VDSR` from a `.keras` file, or one that comes with the package.

    So it does networks of your own: subclasses of these, or of `kdmri_tf.networks.network.Network`,
    that are registered with Keras (`keras.saving.register_keras_serializable`) by then.

    Args:
        path: file that training wrote, or `network.save(path)`; or a name of the zoo, such as
            "cardiac-4x", see `list_networks`.

    Raises:
        InputError: the file is missing, unreadable, holds another kind of model or weights that
            are NaN; or the zoo has no network of that name.

    Example:
        >>> import tempfile
        >>> from kdmri_tf import DCCNN, load_network
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     DCCNN(3, 2).save(f"{folder}/student.keras")
        ...     network = load_network(f"{folder}/student.keras")
        >>> network.architecture
        'D3C2'
        >>> load_network("cardiac-4x").architecture
        'D3C5'
    """
    path = network_path(path)
    if not path.is_file():
        raise InputError(f"There is no model {path}; give a .keras file written by training.")
    _check_trains_no_network(path)
    network = read_model(path, compile=False)
    if not isinstance(network, Network):
        known = " or ".join(known.__name__ for known in NETWORKS)
        raise InputError(f"{path} holds a {type(network).__name__}, not a {known}.")
    if not all(np.isfinite(weight).all() for weight in network.get_weights()):
        # Activations could turn them into numbers, and so into an image that looks like one.
        raise InputError(f"{path} has weights that are NaN or infinity: train the network anew.")
    return network


def read_model(path: Path, compile: bool) -> keras.Model:
    """Reads a `.keras` file of any class that Keras knows by now.

    Args:
        path: the file, which exists.
        compile: as for `keras.models.load_model`.

    Raises:
        InputError: it cannot be read.
    """
    if path.suffix != ".keras":
        raise InputError(f"{path} must end in .keras, in small letters, for Keras to read it.")
    try:
        check_archive(path)
        return keras.models.load_model(path, compile=compile)
    except MemoryError:
        raise
    except Exception as error:  # whatever Keras and zipfile make of a damaged file
        raise InputError(
            f"{path} is not a readable .keras model ({in_one_line(error)})."
        ) from error


def _check_trains_no_network(path: Path) -> None:
    """Refuses a file of this package that holds no network but what trains some."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open("config.json") as file:
            saved = json.loads(file.read(LARGEST_CONFIG))
        name, registered = saved["class_name"], str(saved["registered_name"])
        has_student = "student" in saved["config"]
    except Exception:  # whatever zipfile makes of a damaged file: Keras reports it
        return
    if registered.startswith("kdmri_tf>") and has_student:
        raise InputError(
            f"{path} holds a {name}, which trains networks. Save its networks by themselves: "
            f'kdmri_tf.load_model("{path}").student.save("student.keras").'
        )


def weights_digest(network: keras.Model) -> str:
    """Computes the SHA-256 of a network's weights, in hexadecimal."""
    digest = hashlib.sha256()
    for weight in network.get_weights():
        digest.update(weight.tobytes())
    return digest.hexdigest()


def describe(model_path: Path | str, network: Network) -> dict[str, Any]:
    """Collects the facts that travel with an exported network, as JSON values.

    Its architecture with all arguments and, where the `.keras` file lies in the folder of its
    stage: the configuration of that stage (data set, source, mask, acceleration and settings), the
    lines that the mask measures, and its metrics, if an evaluation in that folder, in its run or in
    a folder of results there measured these very weights. Of the zoo, its card tells the same.

    Args:
        model_path: the `.keras` file, or name of the zoo.
        network: the network that was loaded from it.
    """
    card = card_of(model_path)
    if card is not None:
        stage, metrics = card["training"], card["evaluation"]["metrics"]
        return {**stage["config"], **stage["facts"], **network.facts, "metrics": metrics}
    folder = Path(model_path).parent
    try:
        stage = json.loads((folder / "config.json").read_text())
        known = {**stage["config"], **stage.get("facts", {})}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        known = {}  # the folder of something else
    found = find_evaluation(folder, weights_digest(network))
    return {**known, **network.facts, "metrics": None if found is None else found[1]}


def find_evaluation(folder: Path, digest: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Finds an evaluation of a network in the folder of its stage, its run, or of results there.

    Args:
        folder: of the stage.
        digest: of the network's weights.

    Returns:
        (content of `evaluation.json`, the values of this network in it); None if there is none.
    """
    run_dir = folder.parent
    places = (folder, run_dir, *sorted(path.parent for path in run_dir.glob("*/evaluation.json")))
    for place in places:
        try:
            evaluation = json.loads((place / "evaluation.json").read_text())
            for values in evaluation["networks"].values():
                if values.get(WEIGHTS_DIGEST) == digest:
                    kept = {key: value for key, value in values.items() if key != WEIGHTS_DIGEST}
                    return evaluation, kept
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue  # the file of something else
    return None
