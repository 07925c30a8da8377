"""The networks and their layers; saved and loaded."""
