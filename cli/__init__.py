"""The ``rft`` command: one for the laptop's stand-in AWS and for AWS itself."""
