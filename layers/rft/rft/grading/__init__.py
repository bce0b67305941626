"""Graders: what turns a model's answers into rewards.

An author writes ``score(sample) -> Score`` and ``handler = grader(score)``; see :func:`rft.grading.handler.grader`.
"""

from rft.grading.errors import BadSample, SystemicFault
from rft.grading.handler import grader
from rft.grading.sample import Sample
from rft.grading.score import Score

__all__ = ["BadSample", "Sample", "Score", "SystemicFault", "grader"]
