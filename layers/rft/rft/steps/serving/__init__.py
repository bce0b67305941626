"""What answers users: candidates, the live deployment, its exchange, old versions, the end of a model."""
