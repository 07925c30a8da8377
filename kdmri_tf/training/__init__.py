"""Resumable training in run folders: stages, experiments, comparisons."""
