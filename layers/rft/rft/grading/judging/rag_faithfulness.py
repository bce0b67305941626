"""RAG faithfulness: does an answer say what its context says, answer the question, and admit what isn't there?

A record has the retrieved passages in its field ``context``: a string, or a list of up to 100 strings and of objects
with ``text``.
"""

from __future__ import annotations

from rft.grading.errors import BadSample
from rft.grading.judging.criteria import Criterion, Rubric, Verdict
from rft.grading.judging.question import Judge
from rft.grading.judging.rubric import judged
from rft.grading.judging.texts import string_list, texts_of
from rft.grading.sample import Sample
from rft.grading.score import Score

MAX_PASSAGES = 100
FIELD = "context"

RUBRIC = Rubric(
    "You judge an answer that must rest on given passages alone, the text named context. The text question is the "
    "conversation before the answer. What you know yourself, and what is true in the world, does not matter.",
    (
        Criterion(
            "faithfulness",
            "Is each claim of the answer in the context? Go through them one by one. To say that the context does not "
            "tell something is no claim.",
            (
                Verdict("all", 1.0, "Each claim is in the context or follows from it."),
                Verdict("most", 0.5, "One lesser claim is not in the context; what matters is."),
                Verdict("some", 0.15, "Several claims are not in the context; what matters is."),
                Verdict("none", 0.0, "The claim that matters is not in the context, or the context says otherwise."),
            ),
            weight=4.0,
            gate=True,
        ),
        Criterion(
            "relevance",
            "Does the answer answer the question, as far as the context allows? Where it has no answer, saying so is "
            "the answer.",
            (
                Verdict("answers", 1.0, "Yes, and to the point."),
                Verdict("partly", 0.35, "In part, or the answer is buried in what was not asked."),
                Verdict("not", 0.0, "No: it evades, or says that the context has no answer where it has one."),
            ),
            weight=3.0,
            gate=True,
        ),
        Criterion(
            "honesty",
            "Does the answer say openly what the context leaves open, and how sure one can be?",
            (
                Verdict("open", 1.0, "Yes, or the context leaves nothing open that was asked."),
                Verdict("vague", 0.4, "It hints at it only, or is surer than the context is."),
                Verdict("hides", 0.0, "It fills the gap with a guess, or passes over it."),
            ),
            weight=1.0,
        ),
    ),
)


def score_rag_faithfulness(sample: Sample, judge: Judge) -> Score:
    """Raises BadSample for a missing or unusable field ``context``, and what ``judged`` raises."""
    context = sample.metadata.get(FIELD)
    if context is None:
        raise BadSample(f"{FIELD}: the record has no such field, with the passages that the answer must rest on")
    passages = string_list(context, FIELD, most=MAX_PASSAGES)
    numbered = passages[0] if len(passages) == 1 else "\n\n".join(f"[{n}] {text}" for n, text in enumerate(passages, 1))
    return judged(RUBRIC, {FIELD: numbered, **texts_of(sample)}, judge)
