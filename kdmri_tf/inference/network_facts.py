"""The facts that travel with a network, checked: anybody may have written them."""

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kdmri_tf.errors import InputError

INPUTS = (["kspace", "mask"], ["kspace", "mask", "sensitivities"], ["low_resolution"])
LARGEST_TEXT = 2**20  # bytes; the facts of an export have about 2,000


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_size(value: Any) -> bool:
    is_pair = isinstance(value, list | tuple) and len(value) == 2
    return is_pair and all(_is_integer(side) and side > 0 for side in value)


def _is_factor(value: Any) -> bool:
    return isinstance(value, int | float) and 1 <= value < math.inf and value is not True


def _are_lines(value: Any) -> bool:
    if not isinstance(value, list):
        return False
    return all(_is_integer(line) and line >= 0 for line in value) and len(set(value)) == len(value)


def _is_count(value: Any) -> bool:
    return _is_integer(value) and value > 0


def _is_axis(value: Any) -> bool:
    return _is_integer(value) and value in (0, 1)


# The facts that the code relies on: who may have them and how they are described. All may be
# missing or None; others pass unseen, as readers of later versions may know them.
Rule = tuple[Callable[[Any], bool], str]
TEXT: Rule = (lambda value: isinstance(value, str), "a text")
SIZE: Rule = (_is_size, "a height and a width, such as [240, 240]")
AXIS: Rule = (_is_axis, "0 or 1")
BOOLEAN: Rule = (lambda value: isinstance(value, bool), "true or false")
FACTOR: Rule = (_is_factor, "a number of at least 1")
RULES: Mapping[str, Rule] = {
    **dict.fromkeys(("architecture", "dataset", "source", "mask", "teacher_sha256"), TEXT),
    **dict.fromkeys(("image_size", "exported_image_size"), SIZE),
    **dict.fromkeys(("phase_encode_axis", "exported_phase_encode_axis"), AXIS),
    **dict.fromkeys(("acceleration", "scale"), FACTOR),
    "center_lines": (lambda value: _is_integer(value) and value > 0, "a positive whole number"),
    "measured_lines": (_are_lines, "a list of different whole numbers from 0 on"),
    **dict.fromkeys(("random_masks", "complex_images", "estimates_sensitivities"), BOOLEAN),
    **dict.fromkeys(("coils", "exported_coils"), (_is_count, "a whole number from 1 on")),
    "metrics": (lambda value: isinstance(value, dict), "an object of numbers by name"),
}


def wrong_fact(facts: Mapping[str, Any]) -> str | None:
    """Says what is wrong with the first fact that cannot be, in words; None if all can be.

    Args:
        facts: of an export, or of a stage of training.
    """
    for name, (holds, description) in RULES.items():
        value = facts.get(name)
        if value is not None and not holds(value):
            return f"{name} is {_short(value)} there, but must be {description}"
    axis, lines, size = map(facts.get, ("phase_encode_axis", "measured_lines", "image_size"))
    if axis is not None and lines and size is not None and max(lines) >= size[axis]:
        return f"measured_lines has line {max(lines)}, but an image has {size[axis]} lines"
    return None


def read_export_facts(text: str | bytes) -> dict[str, Any]:
    """Reads the metadata of an exported network.

    Args:
        text: JSON.

    Raises:
        ValueError: it is no metadata of an export; the message says why.
    """
    try:
        facts = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"its metadata is damaged: {error}") from error
    if not isinstance(facts, dict):
        raise ValueError("its metadata is not a JSON object")
    if facts.get("inputs") not in INPUTS:
        known = " or ".join(map(json.dumps, INPUTS))
        raise ValueError(f"its metadata has inputs {_short(facts.get('inputs'))}, not {known}")
    reason = wrong_fact(facts)
    if reason is not None:
        raise ValueError(f"its metadata is wrong: {reason}")
    return facts


def check_stage_facts(facts: Mapping[str, Any], model_path: Path | str) -> None:
    """Refuses what the folder of a `.keras` file says about it, if that cannot be.

    Args:
        facts: from `saved.describe`.
        model_path: of the `.keras` file.

    Raises:
        InputError: a fact that cannot be.
    """
    reason = wrong_fact(facts)
    if reason is not None:
        raise InputError(
            f"{Path(model_path).parent / 'config.json'} is damaged ({reason}): restore it, or move "
            f"{Path(model_path).name} to another folder."
        )


def _short(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else f"{text[:60]}..."
