"""The report of a run: one page for a person, and its manifest for a program."""
