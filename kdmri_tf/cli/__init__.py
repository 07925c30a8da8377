"""The commands: flags, and what they wire together."""
