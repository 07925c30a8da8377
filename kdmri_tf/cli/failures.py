"""What ends a command with a sentence, though no `InputError`: no memory, room, access or library.

Recognised without an import of the library that raised it.
"""

import errno
import os
import sys
from collections.abc import Iterator
from typing import NoReturn

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_OF_TRAINING = ("tensorflow", "keras", "tensorflow_datasets")
_NO_ROOM_IN_WORDS = ("No space left on device", "Disk quota exceeded")  # of HDF5 and TensorFlow


def sentence(error: BaseException, afterwards: str) -> str | None:
    """Returns what to tell the user; None if the error is a bug of ours.

    Args:
        error: that ended the command.
        afterwards: what the same command does when it is run again.
    """
    causes = list(_causes(error))
    if any(map(_is_full_disk, causes)):
        place = next((f" of {path}" for path in map(_path, causes) if path), "")
        return f"There is no space left on the disk{place}: make room; {afterwards}."
    if any(map(_is_full_memory, causes)):
        return (
            "There is not enough memory for that: choose smaller batches, networks or images, or a "
            "machine with more."
        )
    if isinstance(error, ModuleNotFoundError) and error.name in _OF_TRAINING:
        return (
            "This needs TensorFlow, which is not installed here: install kdmri_tf with all that it "
            "requires, by pip install without --no-deps. Only kdmri reconstruct works without it, "
            "with LiteRT, ONNX and OpenVINO files."
        )
    if isinstance(error, OSError) and error.strerror and (path := _path(error)):
        return f"{path} cannot be read or written ({error.strerror}); {afterwards}."
    return None


def end_unread() -> NoReturn:
    """Ends in silence where nobody reads the output any more, as behind `| head`."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes at the end
    sys.exit(141)  # 128 and the number of SIGPIPE, as shells have it


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yields an error, what caused it, what caused that, ..."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _is_full_disk(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return True
    return any(words in str(error) for words in _NO_ROOM_IN_WORDS)


def _is_full_memory(error: BaseException) -> bool:
    return (
        isinstance(error, MemoryError)
        or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
        or type(error).__name__ == "ResourceExhaustedError"  # TensorFlow's
    )


def _path(error: BaseException) -> str | None:
    """Returns the file that an error names, if any."""
    path = error.filename if isinstance(error, OSError) else None
    return path if isinstance(path, str) else None
