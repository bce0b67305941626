"""What each grader of the stack needs of a reference answer, told before a job trains on answers it can't grade."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from rft.grading.errors import BadSample
from rft.grading.expected_text import expected_text
from rft.grading.final_answer import reference_quantity, solution_in
from rft.grading.format_validation import score_format
from rft.grading.json_answer import NotOneObject, parse_object
from rft.grading.judging import instruction_following, rag_faithfulness
from rft.grading.judging.texts import is_blank, string_list
from rft.grading.rules.similarity import token_f1
from rft.grading.sample import unwrapped


class ReferenceProblem(NamedTuple):
    """Why a grader can't work with a record, and what to write instead. Neither quotes the record."""

    found: str
    fix: str
    path: str = "reference_answer"


class ReferenceRule(NamedTuple):
    """What a grader needs of a record.

    ``problem`` takes a reference answer (a string or an object) as it stands in the record. ``without_one`` takes a
    whole record that has none (or a blank one), for a grader that can do without on some condition; None for others.
    ``record`` takes any record, for a grader that reads other fields of it. ``answer`` takes a reference answer that is
    an object: what of it an answer should say, for a grader that wants no JSON.
    """

    problem: Callable[[object], ReferenceProblem | None]
    without_one: Callable[[Mapping[str, Any]], ReferenceProblem | None] | None = None
    record: Callable[[Mapping[str, Any]], ReferenceProblem | None] | None = None
    answer: Callable[[object], object] | None = None


def right_answer(reference: object, grader: str) -> object:
    """What an answer that is right says, of a reference answer as ``grader`` reads it (any name will do)."""
    rule = REFERENCE_RULES.get(grader)
    if rule is None or rule.answer is None or rule.problem(reference):
        return reference
    return rule.answer(reference)


def math_reference(reference: object) -> ReferenceProblem | None:
    """A number must be readable in it, as the grader itself reads one."""
    try:
        reference_quantity(unwrapped(reference))
    except BadSample:
        return ReferenceProblem(
            "math-reasoning finds no number in the reference answer",
            'write the number alone ("84"), after #### at the end of a solution, or as {"answer": "84"}',
        )
    return None


def format_reference(reference: object) -> ReferenceProblem | None:
    """An object with a field at least, the same as JSON text, or a text that isn't blank."""
    reference = unwrapped(reference)
    if isinstance(reference, str):
        if not reference.strip():
            return ReferenceProblem("the reference answer is blank", "give the text that the answer must be")
        try:
            reference = parse_object(reference)
        except NotOneObject:
            return None  # compared as a text
    if isinstance(reference, dict):
        if reference:
            return None
        found = "the reference answer is an object without fields, so there is nothing to compare"
        return ReferenceProblem(found, "give the fields that the answer must have")
    return ReferenceProblem("the reference answer is neither an object nor a text", "give an object or a string")


def format_without_reference(record: Mapping[str, Any]) -> ReferenceProblem | None:
    """Constraints in the field ``format`` do instead, if they can be read."""
    if record.get("format") is None or record.get("reference_answer") == {}:
        return ReferenceProblem(
            "there is no reference_answer, and no field format with constraints",
            'give the right answer, or constraints as in {"format": {"keys": ["name", "city"]}}',
        )
    try:
        score_format("", None, record)
    except BadSample as bad:
        return ReferenceProblem(str(bad), 'write {"keys": ["name", "city"]}, {"max_words": 50} or both', "format")
    return None


def text_reference(reference: object) -> ReferenceProblem | None:
    """A text that can be compared, or an object with one and nothing else."""
    try:
        text = expected_text(unwrapped(reference))
    except BadSample:
        found = "generic finds no text in the reference answer, or more than one field"
        return ReferenceProblem(
            found, 'give the text that the answer should be, or an object with one, {"text": "..."}'
        )
    try:
        token_f1("", text)
    except BadSample as bad:
        return ReferenceProblem(str(bad), "give a shorter text, or another grader")
    return None


def shown_reference(reference: object) -> ReferenceProblem | None:
    """What a judge is shown beside the answer: a text or an object with something in it."""
    seen = unwrapped(reference)
    if (isinstance(seen, str) and not is_blank(seen)) or (isinstance(seen, dict) and seen):
        return None
    return ReferenceProblem("there is nothing in the reference answer", "give a good answer, or leave the field out")


def instructions_of(record: Mapping[str, Any]) -> ReferenceProblem | None:
    """The field ``instructions`` may be missing; else a judge must be able to go through it."""
    if record.get(instruction_following.FIELD) is None:
        return None
    fix = (
        f'give 1 to {instruction_following.MAX_INSTRUCTIONS} strings, ["at most 50 words", "no names"], or leave it out'
    )
    return _listed(record, instruction_following.FIELD, instruction_following.MAX_INSTRUCTIONS, fix)


def context_of(record: Mapping[str, Any]) -> ReferenceProblem | None:
    """The field ``context`` must hold the passages that an answer may rest on."""
    fix = f"give a string, or a list of up to {rag_faithfulness.MAX_PASSAGES} strings or objects with text"
    return _listed(record, rag_faithfulness.FIELD, rag_faithfulness.MAX_PASSAGES, fix)


def _listed(record: Mapping[str, Any], field: str, most: int, fix: str) -> ReferenceProblem | None:
    try:
        string_list(record.get(field), field, most=most)
    except BadSample as bad:
        return ReferenceProblem(str(bad), fix, field)
    return None


REFERENCE_RULES: Mapping[str, ReferenceRule] = {
    "format-validation": ReferenceRule(format_reference, format_without_reference),
    "generic": ReferenceRule(text_reference, answer=expected_text),
    "instruction-following": ReferenceRule(shown_reference, record=instructions_of),
    "math-reasoning": ReferenceRule(math_reference, answer=solution_in),
    "rag-faithfulness": ReferenceRule(shown_reference, record=context_of),
    "reasoning": ReferenceRule(shown_reference),
    "summarization": ReferenceRule(shown_reference),
}
"""By the name of the grader; those of somebody else, and OpenAI's JSON, aren't known here."""
