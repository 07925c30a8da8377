"""Readers of the raw files of each source, one layout a file."""
