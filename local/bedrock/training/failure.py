"""Why a job ends before its last step."""

from __future__ import annotations


class JobFailed(Exception):
    """The job cannot go on; the text becomes its failureMessage."""


class JobStopped(Exception):
    """The job was told to stop."""
