"""The parser of a command, whose mistakes read like all others."""

import argparse
import sys
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """Parses a command line; a mistake is a sentence and a hint, without the usage of all flags."""

    def error(self, message: str) -> NoReturn:
        """Prints what is wrong and ends with status 2."""
        print(f"error: {message}\n{self.prog} --help lists the flags.", file=sys.stderr)
        sys.exit(2)
