"""What is wrong with a grader's JSON, all of it at once; and OpenAI's names for what goes wrong while grading."""

from __future__ import annotations

from collections.abc import Sequence

from rft.grading.errors import GraderError

MAX_PROBLEMS = 50

# Of the flags in the response of OpenAI's "run grader" (metadata.errors) these can happen here. An outage of the judge
# (model_grader_server_error) fails the invocation instead, as it is no error of one sample.
FORMULA = "formula_parse_error"
SAMPLE = "sample_parse_error"
VARIABLE = "invalid_variable_error"
JUDGE_REPLY = "model_grader_parse_error"
JUDGE_REFUSAL = "model_grader_refusal_error"
OTHER = "other_error"


class GraderJsonInvalid(GraderError):
    """``problems``: pairs of a path, as in ``graders.quality.input[0].content`` ("" for the whole), and a message that
    says what is allowed."""

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{path}: {message}" if path else message for path, message in self.problems))


class Problems:
    """What is found wrong on the way. At most 50 are listed."""

    def __init__(self) -> None:
        self._found: list[tuple[str, str]] = []
        self._more = 0

    def __len__(self) -> int:
        return len(self._found) + self._more

    def add(self, path: str, message: str) -> None:
        if len(self._found) < MAX_PROBLEMS:
            self._found.append((path, message))
        else:
            self._more += 1

    def concern(self, *fields: str) -> bool:
        """Whether any is about one of these fields, at whatever depth."""
        names = {part.partition("[")[0] for path, _ in self._found for part in path.split(".")}
        return bool(self._more) or not names.isdisjoint(fields)

    def refuse(self) -> None:
        """Raise GraderJsonInvalid if anything was found."""
        if not self._found:
            return
        more = [("", f"there are {self._more:,} more problems")] if self._more else []
        raise GraderJsonInvalid([*self._found, *more])
