"""What the portal does: one function per verb, one file per subject."""
