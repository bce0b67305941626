"""What can go wrong while grading, by name::

    GraderError
    ├── EventNotAList           the invocation isn't a batch of samples: it fails
    ├── BadSample               this sample's data can't be graded
    ├── ScoreInvalid            score() gave something that is no score
    ├── TimeLimitExceeded       score() took longer than one sample may take
    ├── VerdictUnreadable       the judge's replies to this sample hold no verdict
    └── SystemicFault           no sample can be graded fairly now: the invocation fails
        ├── EverySampleFailed   score() failed on each sample that it was given
        ├── CodeNotRun          there is no child process to run the code of an answer in
        ├── JudgeDenied         the judge model may not be asked, or isn't there
        ├── JudgeUnavailable    the judge is throttled or failing, past all retries and the deadline
        └── JudgeUnreliable     too large a share of a batch got no verdict

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
    """Raised by the library, or by an author's ``score`` that can't use a sample's reference or metadata.

    ``flags`` are more names for what happened, beside the class: they go back to Bedrock as metrics of the sample, as
    OpenAI's graders name their errors (``sample_parse_error``).
    """

    def __init__(self, message: str = "", *, flags: tuple[str, ...] = ()) -> None:
        self.flags = flags
        super().__init__(message)


class ScoreInvalid(GraderError):
    pass


class TimeLimitExceeded(GraderError):
    pass


class VerdictUnreadable(GraderError):
    """``flags`` as for BadSample."""

    def __init__(self, message: str = "", *, flags: tuple[str, ...] = ()) -> None:
        self.flags = flags
        super().__init__(message)


class SystemicFault(GraderError):
    """Raised by an author's ``score`` to fail the invocation. Its message is logged: put no sample's text into it."""


class EverySampleFailed(SystemicFault):
    pass


class CodeNotRun(SystemicFault):
    pass


class JudgeDenied(SystemicFault):
    """``code`` is AWS's own name for the refusal, where it was AWS that refused."""

    def __init__(self, message: str = "", *, code: str = "") -> None:
        self.code = code
        super().__init__(message)


class JudgeUnavailable(SystemicFault):
    pass


class JudgeUnreliable(SystemicFault):
    pass
