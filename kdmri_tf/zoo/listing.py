"""The files of the zoo and their SHA-256: nothing is read that differs from the listing."""

import hashlib
import re
from pathlib import Path

from kdmri_tf.errors import InputError
from kdmri_tf.files import replacing

FOLDER = Path(__file__).with_name("networks")
LISTING = "SHA256SUMS"  # as the program sha256sum writes and checks it
NETWORK, CARD = ".keras", ".json"  # suffixes of the two files of each network

# Words and a hyphen at least, the first without digits: no architecture, such as D5C5 or
# D5C8-unshuffle2, and no file, whose name has a suffix.
NAME_PATTERN = r"[a-z]+(-[a-z0-9]+)+"


def looks_like_name(path: Path | str) -> bool:
    """Tells whether this has the form of a name of the zoo, which no `.keras` file has.

    Example:
        >>> looks_like_name("cardiac-4x"), looks_like_name("D5C5"), looks_like_name("a-4x.keras")
        (True, False, False)
    """
    return re.fullmatch(NAME_PATTERN, str(path)) is not None


def check_name(name: str) -> None:
    """Refuses a name that a network of the zoo cannot have.

    Raises:
        InputError: it could be taken for an architecture or a path.
    """
    if not looks_like_name(name):
        raise InputError(
            f"{name!r} cannot be a name of the zoo: write small letters, then hyphens and letters "
            "or digits, such as cardiac-4x."
        )


def names() -> list[str]:
    """Returns the names of all networks of the zoo, in the order of the alphabet."""
    return sorted(file.removesuffix(NETWORK) for file in _digests() if file.endswith(NETWORK))


def is_shipped(path: Path | str) -> bool:
    """Tells whether this is the name of a network of the zoo."""
    return looks_like_name(path) and str(path) in names()


def network_path(path: Path | str) -> Path:
    """Returns the `.keras` file of a name of the zoo; any other path as it is.

    Raises:
        InputError: the zoo has no network of that name, or its file is damaged.
    """
    if not looks_like_name(path):
        return Path(path)
    check_shipped(str(path))
    checked_content(f"{path}{NETWORK}")
    return FOLDER / f"{path}{NETWORK}"


def check_shipped(name: str) -> None:
    """Refuses a name that the zoo does not have.

    Raises:
        InputError: with the names that there are.
    """
    if name not in names():
        raise InputError(
            f"There is no network {name} in the zoo, which has {', '.join(names())}; a file of "
            "your own ends in .keras."
        )


def checked_content(file: str) -> bytes:
    """Reads a file of the zoo.

    Args:
        file: its name, such as "cardiac-4x.json".

    Raises:
        InputError: it is missing, or its SHA-256 is not that of the listing.
    """
    try:
        content = (FOLDER / file).read_bytes()
    except OSError:
        content = b""
    if hashlib.sha256(content).hexdigest() != _digests().get(file):
        raise InputError(
            f"{FOLDER / file} is damaged or missing: its SHA-256 is not that of the zoo's listing. "
            "Install kdmri_tf again."
        )
    return content


def write_listing() -> None:
    """Writes the listing of all files that are there."""
    files = [path for path in sorted(FOLDER.iterdir()) if path.suffix in (NETWORK, CARD)]
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    with replacing(FOLDER / LISTING) as place:
        place.write_text("".join(lines), encoding="utf-8")


def _digests() -> dict[str, str]:
    """Reads the listing: name of a file -> SHA-256 in hexadecimal."""
    path = FOLDER / LISTING
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        return {file: digest for digest, file in (line.split("  ") for line in lines)}
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is damaged or missing: install kdmri_tf again.") from error
