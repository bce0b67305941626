"""The training of one job: the server's side that starts worker processes, and the worker's side that trains."""
