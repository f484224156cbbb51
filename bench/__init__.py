"""Measurements of performance.md: each prints both sides of a ratio, taken in one run."""
