"""Base, live version and candidate asked the same, and what follows from it."""
