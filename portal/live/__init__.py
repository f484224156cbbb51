"""What changed, for open pages."""
