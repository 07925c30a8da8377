"""Images of your own, of any anatomy: importing this package registers the TFDS data set `own`."""

from tfds_builders.own.own_dataset_builder import Builder

__all__ = ["Builder"]
