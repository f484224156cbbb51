"""Work without a browser: small functions a worker runs."""
