"""Bedrock model invocation logs, made into training prompts."""
