"""Preparation by several workers at once, on Apache Beam: the same files as by one process."""
