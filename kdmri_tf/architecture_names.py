"""Names of DC-CNN architectures: "D5C5", "D5C8-unshuffle2", "D3C5-shared-memory4".

Here without TensorFlow, for the command line; `DCCNN` says what the arguments mean.
"""

import re
from collections.abc import Mapping
from typing import Any

from kdmri_tf.errors import InputError
from kdmri_tf.sizes import check_network_size

# Word of a name -> (argument of `DCCNN`, its default), in the order of the words. A word is
# followed by the argument's number, that of a switch by nothing.
WORDS: dict[str, tuple[str, int | bool]] = {
    "unshuffle": ("unshuffle", 1),
    "shared": ("shared", False),
    "memory": ("memory", 0),
    "expansion": ("expansion", 1),
    "final": ("final_convs", 0),
}
LARGEST_UNSHUFFLE = 8
MOST_MEMORY = 256
LARGEST_EXPANSION = 64
DEFAULTS = dict(WORDS.values())
PATTERN = r"D(\d{1,9})C(\d{1,9})((?:-[a-z]+\d{0,9})*)"
EXAMPLE = (
    'DdCc for d convolutions in each of c cascades, such as "D5C5" or "D3C5", and what it has '
    'beside them, such as "D5C8-unshuffle2" or "D3C5-unshuffle2-shared-memory4-expansion2-final3"'
)


def arguments_of(name: str) -> dict[str, Any] | None:
    """Returns the arguments of `DCCNN` for a name, or None if it is no name.

    Example:
        >>> arguments_of("d5c8-unshuffle2-shared")
        {'num_convs': 5, 'num_cascades': 8, 'unshuffle': 2, 'shared': True}
    """
    match = re.fullmatch(PATTERN, name, re.IGNORECASE)
    if match is None:
        return None
    arguments: dict[str, Any] = {"num_convs": int(match[1]), "num_cascades": int(match[2])}
    for part in match[3].lower().split("-")[1:]:
        word = part.rstrip("0123456789")
        digits = part.removeprefix(word)
        if word not in WORDS:
            return None
        argument, default = WORDS[word]
        is_switch = isinstance(default, bool)
        if argument in arguments or is_switch == bool(digits):
            return None
        arguments[argument] = True if is_switch else int(digits)
    return arguments


def name_of(num_convs: int, num_cascades: int, others: Mapping[str, Any]) -> str:
    """Returns the name of an architecture.

    Args:
        num_convs: convolutions per cascade.
        num_cascades: cascades.
        others: the arguments of `WORDS`; those that are missing have their default.

    Example:
        >>> name_of(5, 8, {"unshuffle": 2, "shared": True, "memory": 0})
        'D5C8-unshuffle2-shared'
    """
    words = [f"D{num_convs}C{num_cascades}"]
    for word, (argument, default) in WORDS.items():
        value = others.get(argument, default)
        if value != default:
            words.append(word if value is True else f"{word}{value}")
    return "-".join(words)


def check_architecture(num_convs: int, num_cascades: int, filters: int, **others: Any) -> None:
    """Refuses an architecture that cannot be made, or is too large for it.

    Args:
        num_convs: convolutions per cascade.
        num_cascades: cascades.
        filters: channels between them.
        others: the arguments of `WORDS` that do not have their default.

    Raises:
        InputError: with what is impossible about it.
    """
    chosen = {**DEFAULTS, **others}
    name = name_of(num_convs, num_cascades, others)
    if num_convs < 2 or num_cascades < 1:
        raise InputError(
            f"{name} is no network: there must be at least 2 convolutions, in at least 1 cascade; "
            f"got {num_convs} convolutions and {num_cascades} cascades."
        )
    for argument, smallest, largest in (
        ("unshuffle", 1, LARGEST_UNSHUFFLE),
        ("memory", 0, MOST_MEMORY),
        ("expansion", 1, LARGEST_EXPANSION),
    ):
        if not smallest <= chosen[argument] <= largest:
            raise InputError(
                f"{argument} of {name} must lie between {smallest} and {largest}; got "
                f"{chosen[argument]}."
            )
    if chosen["final_convs"] != 0 and chosen["final_convs"] < 2:
        raise InputError(
            f"The final cascade of {name} needs at least 2 convolutions, or 0 for no such cascade; "
            f"got {chosen['final_convs']}."
        )
    check_network_size(
        num_convs * num_cascades + chosen["final_convs"],
        (1 if chosen["shared"] else num_cascades) + bool(chosen["final_convs"]),
        filters,
        name[:60],
        channels=chosen["unshuffle"] ** 2 + chosen["memory"],
        expansion=chosen["expansion"],
    )
