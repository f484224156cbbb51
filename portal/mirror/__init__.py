"""Our copies of upstream records."""
