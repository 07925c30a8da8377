"""The machine-readable cards of the zoo: how each network was trained, and how good it is."""

import json
from pathlib import Path
from typing import Any

from kdmri_tf.zoo.listing import CARD, check_shipped, checked_content, is_shipped, names


def list_networks() -> dict[str, dict[str, Any]]:
    """Returns the trained networks that come with the package, by name, without TensorFlow.

    A name stands wherever a `.keras` file may: `load_network`, `Reconstructor`, `Experiment` and
    the commands.

    Returns:
        Name -> card, of JSON values:

        - `name`, `task`, `intended_use`, `papers`;
        - `licence` of the training data, and so of the weights;
        - `data`: what they are, with the numbers of patients, volumes and slices;
        - `network`: architecture, all its arguments, number of parameters, SHA-256 of the weights;
        - `training`: settings, mask, command and versions; the `teacher`, if the zoo has it;
        - `evaluation`: mean and sample standard deviation over volumes of each metric, of the
          network and of the zero-filled image, and how many volumes and patients these are.

    Raises:
        InputError: a file of the zoo is damaged.

    Example:
        >>> import kdmri_tf
        >>> cards = kdmri_tf.list_networks()
        >>> cards["cardiac-4x"]["network"]["architecture"], cards["cardiac-4x"]["licence"]
        ('D3C5', 'CC BY-NC-SA 4.0')
    """
    return {name: network_card(name) for name in names()}


def network_card(name: str) -> dict[str, Any]:
    """Reads the card of one network, see `list_networks`.

    Raises:
        InputError: the zoo has no such network, or the card is damaged.
    """
    check_shipped(name)
    card: dict[str, Any] = json.loads(checked_content(f"{name}{CARD}"))
    return card


def card_of(path: Path | str) -> dict[str, Any] | None:
    """Returns the card of a network of the zoo; None of any other path."""
    return network_card(str(path)) if is_shipped(path) else None
