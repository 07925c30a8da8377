"""Calgary-Campinas brain MRI: importing this package registers the TFDS data set `calgary`."""

from tfds_builders.calgary.calgary_dataset_builder import Builder

__all__ = ["Builder"]
