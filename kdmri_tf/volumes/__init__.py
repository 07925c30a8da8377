"""Volumes in files: opened, checked, read slice by slice, written."""
