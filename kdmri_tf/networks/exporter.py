"""The hook through which `Network.export` reaches the export formats.

`networks` comes before `export` in the order of rooms and must not import it.
`kdmri_tf/__init__.py`, which runs before any room, registers the function, which imports the
formats when it is called.
"""

from collections.abc import Callable
from typing import Any

_registered: list[Callable[..., Any]] = []


def register_exporter(export: Callable[..., Any]) -> None:
    """Makes `export(network, path, format, **options)` what `Network.export` calls."""
    _registered[:] = [export]


def exporter() -> Callable[..., Any]:
    """Returns the registered function."""
    return _registered[0]
