"""Networks at the start of their training: by name or file, and with whose weights they begin."""

import inspect
import re

import keras

from kdmri_tf.errors import InputError
from kdmri_tf.runs import NETWORKS, load_network


def is_name(network):
    """Whether this is a network's name such as "D3C5", rather than a `.keras` file."""
    return not str(network).endswith(".keras")


def new_network(network, settings):
    """A network with seeded initial weights.

    Args:
        network: name, or `.keras` file of the architecture.
        settings: `TrainingSettings`.

    Raises:
        InputError: an unreadable file, or an impossible name.
    """
    keras.utils.set_random_seed(settings.seed)
    if not is_name(network):
        return _untrained(load_network(network), settings)
    kind = _kind(network)
    chosen = {name: getattr(settings, name) for name in ("residual", "consistency_form", "filters")}
    known = inspect.signature(kind).parameters
    arguments = {name: value for name, value in chosen.items() if name in known}
    if settings.filters is None:
        del arguments["filters"]
    return kind.from_name(network, dtype=settings.precision, **arguments)


def copy_for_training(network, settings):
    """The same network in the precision of the settings, to be trained further."""
    copy = _untrained(network, settings)
    copy.set_weights(network.get_weights())
    return copy


def load_weights(network, path, first_cascade=None):
    """Gives a network the weights of a `.keras` file, tensor by tensor of the same name.

    Prints how many tensors were loaded.

    Args:
        network: whose weights are set.
        path: `.keras` file of a network with the same tensors.
        first_cascade: None to load it like the others; "random" to leave it as it is, or "second"
            to give it the weights of the second cascade. These two are for the student that
            `StudentFriendlyTeacher` has trained from its second cascade on.

    Raises:
        InputError: a tensor is missing in the file or has another shape, or `residual` differs;
            then the network is not changed.
    """
    loaded = load_network(path)
    residual, wanted_residual = (n.hyperparameters.get("residual") for n in (loaded, network))
    if residual != wanted_residual:
        raise InputError(
            f"{path} holds a network with residual {residual}, but the student has residual "
            f"{wanted_residual}; give both the same --residual or --no-residual."
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
    for name, variable in wanted.items():
        variable.assign(given[name])
    if first_cascade == "second":
        network.blocks[0].set_weights(network.blocks[1].get_weights())
    print(f"Loaded {len(wanted)} of {len(network.weights)} tensors from {path}.", flush=True)


def tensor_name(variable):
    """The name of a weight within its network, such as "cascade2/conv1/kernel"."""
    return variable.path.partition("/")[2]


def _kind(name):
    """The class of networks of that name."""
    for kind in NETWORKS:
        if re.fullmatch(kind.name_pattern, str(name), re.IGNORECASE):
            return kind
    forms = ", or ".join(kind.name_example for kind in NETWORKS)
    raise InputError(f"{name!r} is no network name; write {forms}.")


def _untrained(network, settings):
    changes = {"dtype": settings.precision, "trainable": True}
    if "consistency_form" in network.hyperparameters:
        changes["consistency_form"] = settings.consistency_form
    return type(network).from_config({**network.get_config(), **changes})
