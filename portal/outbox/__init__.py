"""Writes on their way to a provider."""
