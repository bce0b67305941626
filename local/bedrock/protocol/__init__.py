"""A rest-json service from its botocore model: routes, parsing, every constraint, answers and errors."""
