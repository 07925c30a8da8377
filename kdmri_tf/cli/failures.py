"""What ends a command with a sentence, though no `InputError`: no memory, room, access or library.

Recognised without an import of the library that raised it.
"""

import errno
import os
import sys
from typing import NoReturn

from kdmri_tf.errors import causes
from kdmri_tf.files import is_full_disk

_OF_TRAINING = ("tensorflow", "keras", "tensorflow_datasets")


def sentence(error: BaseException, afterwards: str) -> str | None:
    """Returns what to tell the user; None if the error is a bug of ours.

    Args:
        error: that ended the command.
        afterwards: what the same command does when it is run again.
    """
    if is_full_disk(error):
        place = next((f" of {path}" for path in map(_path, causes(error)) if path), "")
        return f"There is no space left on the disk{place}: make room; {afterwards}."
    if any(map(_is_lost_worker, causes(error))):
        return (
            "Another worker has stopped or cannot be reached any more: start all of them again; "
            f"{afterwards}."
        )
    if any(map(_is_full_memory, causes(error))):
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


def _is_full_memory(error: BaseException) -> bool:
    return (
        isinstance(error, MemoryError)
        or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
        or type(error).__name__ == "ResourceExhaustedError"  # TensorFlow's
    )


def _is_lost_worker(error: BaseException) -> bool:
    """Tells whether TensorFlow could not exchange gradients with another process."""
    lost = ("UnavailableError", "AbortedError", "InternalError", "CancelledError")
    signs = ("Collective", "heartbeat", "coordination service")
    return type(error).__name__ in lost and any(sign in str(error) for sign in signs)


def _path(error: BaseException) -> str | None:
    """Returns the file that an error names, if any."""
    path = error.filename if isinstance(error, OSError) else None
    return path if isinstance(path, str) else None
