"""HTML in and out: one file per subject, holding its views and its forms."""
