"""However a run ends: cleaned up after, reported, told."""
