"""The graders that compute: string_check and text_similarity."""

from __future__ import annotations

from typing import NamedTuple

from rft.grading.errors import BadSample
from rft.grading.judging.question import Judge
from rft.grading.openai.fields import Fields
from rft.grading.openai.parts import Grade, passed
from rft.grading.openai.problems import OTHER
from rft.grading.openai.template import Template
from rft.grading.openai.values import Values
from rft.grading.rules.similarity import similarity

MAX_FILLED = 1_000_000  # characters of all values together
OPERATIONS = ("eq", "ne", "like", "ilike")
METRICS = ("fuzzy_match", "bleu", "gleu", "meteor", "cosine", *(f"rouge_{order}" for order in (1, 2, 3, 4, 5, "l")))


class _Texts(NamedTuple):
    input: str
    reference: str


class StringCheck(NamedTuple):
    """1 or 0. ``eq``: the input is the reference, ``ne``: it isn't, ``like``: it contains it, ``ilike``: in any case.

    None strips white space, and all but ``ilike`` heed case.

    A blank reference is contained in every text and would reward them all, so it is never ``like``: a blank answer in
    its place earns 0, and a blank value of the record is a BadSample.
    """

    input: Template
    reference: Template
    operation: str

    @property
    def judge_calls(self) -> int:
        return 0

    @property
    def templates(self) -> tuple[Template, ...]:
        return self.input, self.reference

    def grade(self, values: Values, _judge: Judge | None) -> Grade:
        given, reference = _filled(self.input, self.reference, values)
        if self.operation == "eq":
            return Grade(float(given == reference), {})
        if self.operation == "ne":
            return Grade(float(given != reference), {})
        if not reference.strip():
            if not self.reference.reads_answer:
                raise BadSample(f"the reference of {self.operation} is blank in this sample", flags=(OTHER,))
            return Grade(0.0, {})
        if self.operation == "ilike":
            given, reference = given.casefold(), reference.casefold()
        return Grade(float(reference in given), {})


class TextSimilarity(NamedTuple):
    """How alike the input and the reference are, from 0 to 1; see :mod:`rft.grading.rules.similarity` for each metric.

    A text of the model that is too long to be compared earns 0; a record's raises BadSample. ``pass_threshold`` makes
    no reward, as in OpenAI's fine-tuning: it adds the metric ``passed``.
    """

    input: Template
    reference: Template
    metric: str
    pass_threshold: float | None

    @property
    def judge_calls(self) -> int:
        return 0

    @property
    def templates(self) -> tuple[Template, ...]:
        return self.input, self.reference

    def grade(self, values: Values, _judge: Judge | None) -> Grade:
        given, reference = _filled(self.input, self.reference, values)
        try:
            value = similarity(self.metric, given, reference)
        except BadSample as bad:
            if not self.reference.reads_answer:
                raise BadSample(str(bad), flags=(OTHER,)) from bad
            value = 0.0
        return Grade(value, passed(value, self.pass_threshold))


def string_check(fields: Fields) -> StringCheck:
    fields.only("type", "name", "operation", "input", "reference")
    fields.name()
    operation = fields.choice("operation", OPERATIONS, {"neq": "write ne"})
    return StringCheck(fields.template("input"), fields.template("reference"), operation)


def text_similarity(fields: Fields) -> TextSimilarity:
    fields.only("type", "name", "evaluation_metric", "input", "reference", "pass_threshold")
    fields.name()
    metric = fields.choice("evaluation_metric", METRICS)
    threshold = fields.number("pass_threshold", 0, 1)
    return TextSimilarity(fields.template("input"), fields.template("reference"), metric, threshold)


def _filled(given: Template, reference: Template, values: Values) -> _Texts:
    variables = (*given.variables, *reference.variables)
    texts = values.texts(variables)
    if sum(len(texts[variable]) for variable in variables) > MAX_FILLED:
        raise BadSample(f"the texts of this sample have more than {MAX_FILLED:,} characters", flags=(OTHER,))
    return _Texts(given.filled(texts), reference.filled(texts))
