"""Speed in interleaved runs of separate processes."""
