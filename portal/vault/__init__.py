"""Connections to the providers and their sealed keys."""
