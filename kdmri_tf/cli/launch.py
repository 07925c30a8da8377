"""How a command runs: its flags, what TensorFlow may say, and how it ends.

TensorFlow is imported by the commands that need it, once their flags are read.
"""

import argparse
import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Callable

from kdmri_tf.cli import failures, quiet_import, stopping, surroundings
from kdmri_tf.compute import allocator
from kdmri_tf.errors import InputError


def run(
    main: Callable[[argparse.Namespace], None],
    parser: argparse.ArgumentParser,
    after_stop: str = "training continues after its last full epoch",
    keeps_memory: bool = True,
) -> None:
    """Parses the command line and calls `main(arguments)`.

    What the user can put right ends in one line on standard error and exit status 2, a full disk or
    memory as well. Where nobody reads the output any more (`| head`), the command ends in silence
    with status 141. Ctrl-C, and SIGTERM and SIGHUP just so, end in one line and status 130, 143 or
    129, after everything that was under way has tidied up; a second one ends the process at once.

    Args:
        main: the command.
        parser: of its flags.
        after_stop: what the same command does after it was stopped.
        keeps_memory: whether freed memory stays with the process, see `allocator`.
    """
    surroundings.take_over()
    arguments = parser.parse_args()
    if keeps_memory:
        allocator.keep_memory()
    # Of TensorFlow, Python exceptions show; all else where the level is set to 0.
    level = os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if level != "0" and "tensorflow" not in sys.modules:
        sys.meta_path.insert(0, quiet_import.TensorFlowGreeting())
    logging.basicConfig(format="%(message)s")
    logging.getLogger("tfds_builders").setLevel(logging.INFO)
    # TFDS warns of its own deprecations, TensorFlow of the new graphs of every stage.
    for library in ("absl", "tensorflow"):
        logging.getLogger(library).setLevel(logging.ERROR)
    warnings.formatwarning = lambda message, *_: f"{message}\n"  # without a line of our code
    stopping.stop_in_order()
    try:
        main(arguments)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        failures.end_unread()
    except Exception as error:
        sentence = failures.sentence(error, f"{after_stop} with the same command")
        if sentence is None:
            raise
        print(f"error: {sentence}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt as stop:
        with contextlib.suppress(OSError):  # the terminal may be gone
            print(f"\nStopped; {after_stop} with the same command.", file=sys.stderr)
        sys.exit(stopping.exit_status(stop))
