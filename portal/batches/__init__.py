"""Many changes as one: bulk edits, imports and their undoing, row by row."""
