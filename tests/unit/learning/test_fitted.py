"""A base that was fitted before is the very same, and another's never."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from local.bedrock.learning.fitted import base_of
from local.bedrock.learning.policy import Policy

TEXTS = ["red", "green", "it is blue"]


def answers(policy: Policy) -> list[str]:
    made = policy.complete_all(["x"] * 20, temperature=1.0, max_tokens=20, rng=np.random.default_rng(7))
    return [completion.text for completion in made]


def test_the_second_of_a_dataset_is_not_fitted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = base_of(TEXTS, seed=1, kept=tmp_path / "bases")
    assert answers(first) == answers(Policy.base(TEXTS, seed=1))
    monkeypatch.setattr(Policy, "base", lambda *_, **__: pytest.fail("it was fitted"))
    assert answers(base_of(TEXTS, seed=1, kept=tmp_path / "bases")) == answers(first)
    assert len(list((tmp_path / "bases").iterdir())) == 1


@pytest.mark.parametrize(("texts", "seed"), [(TEXTS, 2), (TEXTS[:2], 1), (TEXTS[::-1], 1), ([], 1)])
def test_other_texts_and_other_seeds_have_bases_of_their_own(tmp_path: Path, texts: list[str], seed: int) -> None:
    base_of(TEXTS, seed=1, kept=tmp_path)
    other = base_of(texts, seed=seed, kept=tmp_path)
    assert answers(other) == answers(Policy.base(texts, seed=seed))
    assert len(list(tmp_path.iterdir())) == 2
