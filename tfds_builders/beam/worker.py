"""The functions that Beam sends to workers, where alone they import TensorFlow."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tfds_builders.beam.shards import Shard


def write_part(folder: str, number: int) -> None:
    """Does what `parts.write_part` does."""
    from tfds_builders.beam import parts

    parts.write_part(folder, number)


def plan_shards(folder: str, parts: Iterable[None]) -> "list[Shard]":
    """Does what `shards.plan_shards` does."""
    from tfds_builders.beam import shards

    return shards.plan_shards(folder, parts)


def write_shard(folder: str, shard: "Shard") -> None:
    """Does what `shards.write_shard` does."""
    from tfds_builders.beam import shards

    shards.write_shard(folder, shard)
