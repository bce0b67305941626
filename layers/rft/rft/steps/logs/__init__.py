"""From invocation logs to a dataset."""
