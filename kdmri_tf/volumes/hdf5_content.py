"""What is in an HDF5 file itself, and nothing else, with sizes looked at before.

Whoever passes on a file decides which other files it would have read.
"""

import math
from pathlib import Path

import h5py

from kdmri_tf.errors import InputError
from kdmri_tf.sizes import LARGEST_IMAGE

MOST_LINKS = 16  # one after another, as HDF5 itself follows


def has_link(file: h5py.File, name: str) -> bool:
    """Returns whether a file has something of this name, without following a link."""
    return file.id.links.exists(name.encode())


def dataset_within(file: h5py.File, name: str, path: Path) -> h5py.Dataset:
    """Returns a dataset whose values are in the file itself, all of them.

    Whoever passes on a file decides which other files an external link, external storage or a
    virtual dataset would read, and where one of those is missing HDF5 gives fill values instead.

    Args:
        file: the open file.
        name: of the dataset, which is there.
        path: of the file, for error messages.

    Raises:
        InputError: it is no dataset, has no values, or they are elsewhere.
    """
    dataset = _target(file, name, path)
    if not isinstance(dataset, h5py.Dataset):
        kind = type(dataset).__name__.lower()
        raise InputError(f"{path}: '{name}' is a {kind}, but must be a dataset.")
    if dataset.external:
        raise InputError(f"{path}: the values of '{name}' are in another file, {_COPY}")
    if dataset.is_virtual:
        raise InputError(f"{path}: '{name}' is a virtual dataset, made of others, {_COPY}")
    if dataset.shape is None or dataset.size == 0:
        shape = "" if dataset.shape is None else f": its shape is {dataset.shape}"
        raise InputError(f"{path}: '{name}' is empty{shape}.")
    if dataset.id.get_storage_size() == 0:
        raise InputError(f"{path}: '{name}' has a shape, {dataset.shape}, but no values.")
    if math.prod(dataset.chunks or ()) > max(dataset.size, LARGEST_IMAGE):
        raise InputError(
            f"{path}: '{name}' has chunks of shape {dataset.chunks}, larger than the dataset, "
            f"{dataset.shape}; write it anew with smaller chunks."
        )
    return dataset


def _target(file: h5py.File, name: str, path: Path) -> h5py.HLObject:
    """Returns what a name leads to, step by step: HDF5 itself would open other files on the way."""
    place, parts, links = file, name.split("/"), 0
    while parts:
        part = parts.pop(0)
        if part in ("", "."):
            continue
        link = place.get(part, getlink=True) if isinstance(place, h5py.Group) else None
        if isinstance(link, h5py.ExternalLink):
            raise InputError(f"{path}: '{name}' is a link to another file, {_COPY}")
        if isinstance(link, h5py.SoftLink) and links < MOST_LINKS:
            links += 1
            place = file if link.path.startswith("/") else place
            parts = [*link.path.split("/"), *parts]
        elif isinstance(link, h5py.HardLink):
            place = place[part]
        else:
            raise InputError(f"{path}: '{name}' is a link that leads nowhere.")
    return place


_COPY = "and only the file itself is read; copy the values into it."
