"""Reinforcement fine-tuning on Amazon Bedrock: the library that the functions and the ``rft`` command share."""

__version__ = "0.1.0"
