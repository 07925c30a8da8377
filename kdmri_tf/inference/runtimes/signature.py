"""What a network takes and gives by its own account, which must be what its metadata says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

CHANNELS = {"kspace": 2, "mask": None, "low_resolution": 1, "sensitivities": 2}
OF_COILS = ("kspace", "sensitivities")  # inputs that have an axis of coils in complex networks


@dataclass(frozen=True)
class Tensor:
    """Describes an input or output: its dtype, and its shape with None where it is free.

    The shape is None where not even the number of axes is known.
    """

    dtype: str
    shape: tuple[int | None, ...] | None


def tensor(dtype: object, shape: Sequence[object] | None) -> Tensor:
    """Returns the description of a tensor; sizes that are no positive integers are free."""
    if shape is None:
        return Tensor(str(dtype), None)
    sizes = (size if isinstance(size, int) and size > 0 else None for size in shape)
    return Tensor(str(dtype), tuple(sizes))


def check_signature(
    inputs: Mapping[str, Tensor],
    outputs: Mapping[str, Tensor],
    facts: Mapping[str, Any],
) -> None:
    """Refuses a network that takes or gives something else than its metadata says.

    Args:
        inputs, outputs: name -> tensor, as the network has them.
        facts: the metadata, see `network_facts`.

    Raises:
        ValueError: they differ; the message says how.
    """
    names = facts["inputs"]
    if set(inputs) != set(names):
        raise ValueError(f"it takes {sorted(inputs)}, but its metadata says {sorted(names)}")
    if "image" not in outputs:
        raise ValueError(f"it gives {sorted(outputs)}, none of which is called image")
    height, width = facts.get("exported_image_size") or (None, None)
    is_complex, coils = bool(facts.get("complex_images")), facts.get("exported_coils")
    for name in names:
        channels = CHANNELS[name]
        of_coils = (coils,) if is_complex and name in OF_COILS else ()
        last = () if channels is None else (channels,)
        _check_tensor(f"its input {name}", inputs[name], (None, *of_coils, height, width, *last))
    channels = 2 if is_complex else 1
    _check_tensor("its output image", outputs["image"], (None, height, width, channels))


def _check_tensor(name: str, found: Tensor, expected: tuple[int | None, ...]) -> None:
    if found.dtype != "float32":
        raise ValueError(f"{name} is {found.dtype}, not float32")
    if found.shape is None:
        return
    is_output = name.startswith("its output")
    fits = len(found.shape) == len(expected) and all(
        # What converters infer of an output may be free, or narrower than what comes.
        there in (None, here) or (here is None and (is_output or axis == 0))
        for axis, (there, here) in enumerate(zip(found.shape, expected, strict=True))
    )
    if not fits:
        raise ValueError(f"{name} has shape {_text(found.shape)}, not {_text(expected)}")


def _text(shape: tuple[int | None, ...]) -> str:
    return f"({', '.join('any' if size is None else str(size) for size in shape)})"
