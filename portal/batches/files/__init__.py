"""Spreadsheet files: those of strangers in, behind a fence, and ours out."""
