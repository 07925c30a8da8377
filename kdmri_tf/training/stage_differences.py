"""How the settings of a stage's folder differ from those that are asked for."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kdmri_tf.errors import InputError
from kdmri_tf.inference.network_facts import wrong_fact

CONFIG_FILE = "config.json"

# Settings that say in words what another has as a digest: a mask's file may change its name.
DESCRIPTIONS = {"mask": "mask_sha256"}


def check_config(folder: Path | str, config: Mapping[str, Any], entirely: bool = False) -> None:
    """Refuses the folder of a stage that was made with other settings.

    Args:
        folder: of the stage.
        config: the settings that must be the same.
        entirely: whether the folder must have no other settings.

    Raises:
        InputError: settings differ (the message names each of them), or there are none.
    """
    different = differences(folder, config, entirely)
    if different:
        raise InputError(
            f"{folder} was made with other settings: {different}. Give another --run-dir, delete "
            "that folder, or give its model.keras, if it has one, as the network."
        )


def differences(folder: Path | str, config: Mapping[str, Any], entirely: bool = False) -> str:
    """Returns, in words, what `check_config` refuses; empty if there is nothing."""
    return differing(read_config(folder), config, entirely)


def differing(earlier: Mapping[str, Any], config: Mapping[str, Any], entirely: bool = False) -> str:
    """Returns the same of a configuration that was read before."""
    config = json.loads(json.dumps(config))
    compared = earlier.keys() | config.keys() if entirely else config.keys()
    different = {key for key in compared if earlier.get(key) != config.get(key)}
    if not (earlier.get("random_masks") or config.get("random_masks")):  # many, drawn by name
        different -= {words for words, digest in DESCRIPTIONS.items() if digest not in different}
    return "; ".join(
        f"{key} ({earlier.get(key)!r} there, {config.get(key)!r} now)" for key in sorted(different)
    )


def read_config(folder: Path | str) -> dict[str, Any]:
    """Reads the configuration in the `config.json` of a stage's folder.

    Raises:
        InputError: there is none, or it is damaged.
    """
    path = Path(folder) / CONFIG_FILE
    try:
        config = json.loads(path.read_text())["config"]
        reason = wrong_fact(config)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"{path} is missing or unreadable, so it is not known how {folder} was trained: give "
            "another --run-dir, delete that folder, or give its model.keras, if it has one, as the "
            "network."
        ) from error
    if reason is not None:
        raise InputError(
            f"{path} is damaged ({reason}): restore it, give another --run-dir or delete {folder}."
        )
    return dict(config)
