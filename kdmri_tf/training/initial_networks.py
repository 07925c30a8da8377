"""Networks at the start of their training: by name or file, and with whose weights they begin."""

import inspect
import re
from collections.abc import Set
from pathlib import Path
from typing import Any

import keras

from kdmri_tf.choices import FIRST_CASCADES
from kdmri_tf.errors import InputError
from kdmri_tf.networks.network import Network
from kdmri_tf.networks.saved import NETWORKS, load_network
from kdmri_tf.training.settings import TrainingSettings
from kdmri_tf.zoo.listing import looks_like_name

# Settings that only networks of some kinds have.
SETTINGS_OF_NETWORKS = (
    *("residual", "nonnegative", "consistency_form", "filters"),
    *("complex_images", "noise_weight", "consistency_steps"),
)
# Those that a trained network cannot change, without and with those that its weights' shapes show.
ARITHMETIC = ("residual", "nonnegative")
ARCHITECTURE = {*ARITHMETIC, "filters", "noise_weight", "consistency_steps"}


def is_name(name: Path | str) -> bool:
    """Tells whether this names an architecture such as "D3C5", rather than a trained network."""
    return not str(name).lower().endswith(".keras") and not looks_like_name(name)


def new_network(name: Path | str, settings: TrainingSettings) -> Network:
    """Makes a network with seeded initial weights.

    Args:
        name: such as "D3C5", or `.keras` file of the architecture.
        settings: seed, precision and what else networks have.

    Raises:
        InputError: an unreadable file, an impossible name, a setting that this kind does not have,
            or one in which the file's network differs.
    """
    keras.utils.set_random_seed(settings.seed)
    defaults = TrainingSettings()
    chosen = {key: getattr(settings, key) for key in SETTINGS_OF_NETWORKS}
    chosen = {key: value for key, value in chosen.items() if value != getattr(defaults, key)}
    if not is_name(name):
        loaded = load_network(name)
        _check_kind(name, type(loaded), chosen.keys() - {"complex_images"})  # that of the data
        for key in chosen.keys() & ARCHITECTURE:
            if getattr(loaded, key) != chosen[key]:
                raise InputError(
                    f"{name} has {key} {getattr(loaded, key)}, not {chosen[key]}: leave that "
                    "setting out, or give the network's name."
                )
        return _untrained(loaded, settings)
    kind = _kind(str(name))
    _check_kind(name, kind, chosen.keys())
    return kind.from_name(str(name), dtype=settings.precision, **chosen)


def copy_for_training(network: Network, settings: TrainingSettings) -> Network:
    """Copies a network in the precision of the settings, to be trained further."""
    copy = _untrained(network, settings)
    copy.set_weights(network.get_weights())
    return copy


def start_from(network: Network, start: Path | str | None, first_cascade: str | None) -> None:
    """Gives a network the weights to start from, or leaves those that it has.

    Args:
        network: whose weights are set.
        start: `.keras` file of them, or None.
        first_cascade: as for `load_weights`.

    Raises:
        InputError: as for `check_weights`, or a first cascade without `start`.
    """
    if start is not None:
        load_weights(network, start, first_cascade)
    elif first_cascade is not None:
        raise InputError(
            f"first_cascade={first_cascade!r} only matters for a student that starts from the "
            "weights of SFT: give start."
        )


def load_weights(network: Network, path: Path | str, first_cascade: str | None = None) -> None:
    """Gives a network the weights of a `.keras` file, tensor by tensor of the same name.

    Prints how many tensors were loaded.

    Args:
        network: whose weights are set.
        path: `.keras` file of a network with the same tensors.
        first_cascade: None to load it like the others; "random" to leave it as it is, or "second"
            to give it the weights of the second cascade. These two are for the student that
            `StudentFriendlyTeacher` has trained from its second cascade on.

    Raises:
        InputError: as for `check_weights`; then the network is not changed.
    """
    given = check_weights(network, path, first_cascade)
    for variable in network.weights:
        if tensor_name(variable) in given:
            variable.assign(given[tensor_name(variable)])
    if first_cascade == "second" and not getattr(network, "shared", False):
        network.blocks[0].set_weights(network.blocks[1].get_weights())
    print(f"Loaded {len(given)} of {len(network.weights)} tensors from {path}.", flush=True)


def check_weights(
    network: Network, path: Path | str, first_cascade: str | None = None
) -> dict[str, keras.Variable]:
    """Returns what `load_weights` would load: name of the tensor -> variable.

    Raises:
        InputError: a tensor is missing in the file or has another shape, or the file holds another
            kind of network or one with another `residual` or `nonnegative`; an unknown
            `first_cascade`.
    """
    check_first_cascade(network, first_cascade)
    loaded = load_network(path)
    if type(loaded) is not type(network):
        raise InputError(
            f"{path} holds a {loaded.architecture}, whose weights a {network.architecture} cannot "
            "start from; give a file of the student's own kind."
        )
    for name in ARITHMETIC:
        there, here = (party.hyperparameters.get(name) for party in (loaded, network))
        if there != here:
            raise InputError(
                f"{path} holds a network with {name} {there}, but the student has {name} {here}; "
                f"give both the same --{name} or --no-{name}."
            )
    given = {tensor_name(variable): variable for variable in loaded.weights}
    wanted = {tensor_name(variable): variable for variable in network.weights}
    if first_cascade is not None:
        wanted = {name: v for name, v in wanted.items() if not name.startswith("cascade1/")}
    for name, variable in wanted.items():
        shape = tuple(given[name].shape) if name in given else None
        if shape != tuple(variable.shape):
            found = "has none of that name" if shape is None else f"has shape {shape}"
            raise InputError(
                f"The student's tensor {name} of shape {tuple(variable.shape)} cannot be loaded "
                f"from {path}, which {found}: it holds a {loaded.architecture} with "
                f"{loaded.filters} filters, the student is a {network.architecture} with "
                f"{network.filters}."
            )
    return {name: given[name] for name in wanted}


def check_first_cascade(network: Network, first_cascade: str | None) -> None:
    """Refuses a start of the first cascade that a student does not have.

    Raises:
        InputError: an unknown one, or "second" of a network with a single cascade of its kind.
    """
    if first_cascade not in (None, *FIRST_CASCADES):
        raise InputError(
            f"first_cascade must be one of {', '.join(FIRST_CASCADES)}; got {first_cascade!r}."
        )
    if first_cascade == "second" and getattr(network, "num_cascades", 1) < 2:
        raise InputError(
            f"A {network.architecture} has no second cascade that its first could start from: give "
            "--first-cascade random (in code first_cascade)."
        )


def tensor_name(variable: keras.Variable) -> str:
    """Returns the name of a weight within its network, such as "cascade2/conv1/kernel"."""
    return variable.path.partition("/")[2]


def _kind(name: str) -> type[Network]:
    """Returns the class of networks of that name."""
    for kind in NETWORKS:
        if re.fullmatch(kind.name_pattern, name, re.IGNORECASE):
            return kind
    forms = ", or ".join(kind.name_example for kind in NETWORKS)
    raise InputError(f"{name!r} is not a network name; write {forms}.")


def _check_kind(name: Path | str, kind: type[Network], chosen: Set[str]) -> None:
    """Refuses settings that networks of this kind do not have."""
    for key in chosen - inspect.signature(kind).parameters.keys():
        raise InputError(f"{name} has no {key}: leave that setting out.")


def _untrained(network: Network, settings: TrainingSettings) -> Network:
    """Makes a network of the same architecture in the precision of the settings, nothing frozen."""
    changes: dict[str, Any] = {"dtype": settings.precision, "trainable": True, "frozen": ()}
    if "consistency_form" in network.hyperparameters:
        changes["consistency_form"] = settings.consistency_form
    return type(network).from_config({**network.get_config(), **changes})
