"""Dexra: its endpoints, its answers, its limits."""
