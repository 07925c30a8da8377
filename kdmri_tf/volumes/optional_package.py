"""Packages that only some kinds of file need."""

import importlib
from pathlib import Path
from types import ModuleType

from kdmri_tf.errors import InputError


def package_for(path: Path, name: str) -> ModuleType:
    """Imports a package that reading a file needs.

    Args:
        path: the file.
        name: of the package.

    Raises:
        InputError: it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise InputError(
            f"Reading {path} needs the package {name}, which is not installed: run pip install "
            f"{name}."
        ) from error
