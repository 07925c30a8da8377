"""Brain MRI slices: importing this package registers the TFDS data set `brain`."""

from tfds_builders.brain.brain_dataset_builder import Builder

__all__ = ["Builder"]
