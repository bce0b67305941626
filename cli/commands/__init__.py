"""The commands of ``rft``, by subject."""
