"""Who calls the stand-in, and whether they may do what they ask for."""
