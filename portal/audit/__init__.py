"""Who tried what, and how it ended."""
