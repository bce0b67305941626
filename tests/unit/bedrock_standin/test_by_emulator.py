"""How long an answer about somebody's rights is gone by."""

from __future__ import annotations

from typing import Any

import pytest

from local.bedrock.authorization import by_emulator
from local.bedrock.authorization.by_emulator import ByEmulator
from local.bedrock.authorization.checking import Credentials, Need

WHO = Credentials("ASIA1", "token")
ASK = Need("bedrock:InvokeModel", "arn:aws:bedrock:us-east-1:1:custom-model-deployment/a", {"aws:TagKeys": ["x"]})


class Emulator:
    """Counts what it is asked, and refuses while it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked, self.refuses, self.now = 0, False, 100.0
        monkeypatch.setattr(ByEmulator, "_asked", lambda _, question: self.answer(question))
        monkeypatch.setattr(by_emulator.time, "monotonic", lambda: self.now)

    def answer(self, question: bytes) -> tuple[int, Any]:
        self.asked += 1
        refused = {"action": ASK.action, "resource": ASK.resource, "explicit": False, "policy_of": ""}
        return 200, {"arn": "arn:aws:sts::1:assumed-role/r/s", "refused": refused if self.refuses else None}


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch) -> Emulator:
    return Emulator(monkeypatch)


def test_a_yes_holds_for_a_second_and_for_this_caller_and_right_only(emulator: Emulator) -> None:
    authorizer = ByEmulator("http://127.0.0.1:1", "key")
    for _ in range(3):
        assert authorizer.refusal(WHO, [ASK]) is None
    assert emulator.asked == 1
    others = [
        (Credentials("ASIA1", "another"), [ASK]),
        (Credentials("ASIA2", "token"), [ASK]),
        (WHO, [Need(ASK.action, ASK.resource + "b", ASK.context)]),
        (WHO, [Need(ASK.action, ASK.resource, {"aws:TagKeys": ["y"]})]),
        (WHO, [ASK, Need("kms:Decrypt", "arn:aws:kms:us-east-1:1:key/k")]),
    ]
    for place, (credentials, needs) in enumerate(others, start=2):
        authorizer.refusal(credentials, needs)
        assert emulator.asked == place
    emulator.refuses = True
    assert authorizer.refusal(WHO, [ASK]) is None, "the old answer"
    emulator.now += 1.1
    assert authorizer.refusal(WHO, [ASK]) is not None


def test_a_no_is_never_kept(emulator: Emulator) -> None:
    authorizer = ByEmulator("http://127.0.0.1:1", "key")
    emulator.refuses = True
    assert authorizer.refusal(WHO, [ASK]) is not None
    emulator.refuses = False
    assert authorizer.refusal(WHO, [ASK]) is None
    assert emulator.asked == 2


def test_what_is_kept_is_bounded(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_emulator, "_MOST_GRANTS", 10)
    authorizer = ByEmulator("http://127.0.0.1:1", "key")
    for number in range(100):
        authorizer.refusal(WHO, [Need(ASK.action, f"{ASK.resource}{number}")])
    assert len(authorizer._granted) <= 10
