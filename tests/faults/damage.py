"""Cuts files short and flips bits of them."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from faults.whole_files import Whole

HEAD = 160  # bytes, about what formats have before their values


@dataclass(frozen=True)
class Case:
    """A file that should be refused, or may be read.

    Attributes:
        name: unique.
        kind: what the worker takes it for.
        path: given to the reader.
        may_be_read: whether it may be read, too: as where a bit of a pixel is another.
    """

    name: str
    kind: str
    path: Path | str
    may_be_read: bool = False


def damaged(wholes: Iterable[Whole], root: Path, times: int, seed: str) -> Iterator[Case]:
    """Yields every part of every file cut short so many times, and with so many flipped bits."""
    for whole in wholes:
        for part in whole.parts:
            rng = random.Random(f"{seed} {whole.name} {part}")
            size = (whole.path.parent / part).stat().st_size
            for end in _ends(size, times, rng):
                name = f"{whole.name}-{Path(part).name}-cut-at-{end}-of-{size}"
                path = whole.copy(root / name)
                content = (path.parent / part).read_bytes()
                (path.parent / part).write_bytes(content[:end])
                # In BART's headers comments follow sizes, which have to fit the samples.
                harmless = content[end:].isspace() or part.endswith(".hdr")
                yield Case(name, whole.kind, path, may_be_read=harmless)
            for place in _places(size, times, rng):
                bit = rng.randrange(8)
                name = f"{whole.name}-{Path(part).name}-bit-{bit}-of-byte-{place}"
                path = whole.copy(root / name)
                content = bytearray((path.parent / part).read_bytes())
                content[place] ^= 1 << bit
                (path.parent / part).write_bytes(content)
                yield Case(name, whole.kind, path, may_be_read=True)


def _ends(size: int, times: int, rng: random.Random) -> list[int]:
    """Draws where to cut: anywhere, and in half of the files just before the end."""
    last = {size - 1} if rng.random() < 0.5 else set()
    drawn = rng.sample(range(size - 1), min(times - len(last), size - 1))
    return [*drawn, *last]


def _places(size: int, times: int, rng: random.Random) -> list[int]:
    """Draws bytes: half of them of the head, half of the whole file."""
    head = rng.sample(range(min(HEAD, size)), min(-(-times // 2), HEAD, size))
    others = sorted(set(range(size)) - set(head))
    return head + rng.sample(others, min(times // 2, len(others)))
