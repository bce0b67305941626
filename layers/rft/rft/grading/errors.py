"""What can go wrong while grading, by name::

    GraderError
    ├── EventNotAList           the invocation isn't a batch of samples: it fails
    ├── BadSample               this sample's data can't be graded
    ├── ScoreInvalid            score() gave something that is no score
    ├── TimeLimitExceeded       score() took longer than one sample may take
    └── SystemicFault           no sample can be graded fairly now: the invocation fails
        └── EverySampleFailed   score() failed on each sample that it was given

An error is never a score. A sample with an error goes back with 0, as Bedrock wants a number for each, and is counted
as an error beside it; so nobody reads its 0 as a judgement. What makes *every* score meaningless (a judge that denies
access, a grader that always crashes) is a SystemicFault and fails the invocation, so that Bedrock tries again or ends
the job, rather than train on zeros.
"""

from __future__ import annotations

from rft.errors import RftError


class GraderError(RftError):
    """The root of all faults of grading."""


class EventNotAList(GraderError):
    pass


class BadSample(GraderError):
    """Raised by the library, or by an author's ``score`` that can't use a sample's reference or metadata."""


class ScoreInvalid(GraderError):
    pass


class TimeLimitExceeded(GraderError):
    pass


class SystemicFault(GraderError):
    """Raised by an author's ``score`` to fail the invocation. Its message is logged: put no sample's text into it."""


class EverySampleFailed(SystemicFault):
    pass
