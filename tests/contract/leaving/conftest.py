"""Stacks that leave."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import moto.kms.models
import pytest
from moto.kms.utils import generate_private_key

from tests.contract.candidates import Candidates
from tests.contract.leaving.scene import Scene, add_foreign_things, deployed


@pytest.fixture(scope="session", autouse=True)
def one_pair_of_keys() -> Iterator[None]:
    """moto makes an RSA pair for each KMS key, and that is most of what a key costs here: nothing signs with one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moto.kms.models, "generate_private_key", cache(generate_private_key))
        yield


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.leaving.runs._CLOSING_SECONDS", 0.0)
    monkeypatch.setattr("cli.leaving.account._ATTEMPTS", 1)


@pytest.fixture
def scene(candidates: Candidates, impatient: None) -> Iterator[Scene]:
    made = deployed(candidates)
    yield made
    made.close()


@pytest.fixture
def bare(candidates: Candidates, impatient: None) -> Iterator[Scene]:
    """Without models, and alone in the account: quicker."""
    made = deployed(candidates, with_model=False)
    yield made
    made.close()


@pytest.fixture
def beside(bare: Scene) -> Scene:
    """Without models, beside the other stack without them."""
    add_foreign_things(bare)
    return bare
