"""A run's dataset: checked, split, copied."""
