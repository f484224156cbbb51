"""What we know about other people's APIs; no Django, no tables."""
