from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from rft.run.identity import (
    MODEL_PATTERN,
    RUN_ID_PATTERN,
    live_deployment_name,
    live_parameter,
    model_slug,
    run_id,
)

JOB_NAME = r"[a-zA-Z0-9](-*[a-zA-Z0-9\+\-\.])*"
MODEL_NAME = r"([0-9a-zA-Z][_-]?){1,63}"
TOKEN = r"[a-zA-Z0-9]([-a-zA-Z0-9]{0,254}[a-zA-Z0-9])?"


@given(st.text())
def test_a_slug_is_a_model_name_or_nothing(text: str) -> None:
    slug = model_slug(text)
    assert slug is None or (re.fullmatch(MODEL_PATTERN, slug) and len(slug) <= 40)


def test_a_slug_keeps_what_a_person_reads() -> None:
    assert model_slug("Ticket Triage (v2)") == "ticket-triage-v2"
    assert model_slug("Übung_1") == "ubung-1"
    assert model_slug("../../etc/passwd\n") == "etc-passwd"
    assert model_slug("日本語") is None
    assert model_slug("x" * 39 + "--y") == "x" * 39


@given(st.text(), st.lists(st.text(), max_size=4))
def test_a_run_id_fits_every_name_it_is_used_as(text: str, origin: list[str]) -> None:
    run = run_id(model_slug(text) or "unnamed", *origin)
    for pattern in (RUN_ID_PATTERN, JOB_NAME, MODEL_NAME, TOKEN):
        assert re.fullmatch(pattern, run)
    assert len(run) <= 63


@given(st.lists(st.text(), min_size=1, max_size=4), st.lists(st.text(), min_size=1, max_size=4))
def test_the_same_origin_gives_the_same_run_and_another_gives_another(a: list[str], b: list[str]) -> None:
    assert (run_id("m", *a) == run_id("m", *b)) == ("\0".join(a) == "\0".join(b))


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-", min_size=1, max_size=128))
def test_the_names_of_what_is_live_fit_and_are_the_stacks_own(stack: str) -> None:
    name = live_deployment_name(stack, "x" * 40)
    assert re.fullmatch(MODEL_NAME, name) and len(name) <= 63
    assert name != live_deployment_name(f"{stack}x", "x" * 40)
    assert live_parameter(stack, "m") == f"/{stack}/models/m/live"
    assert not re.fullmatch(RUN_ID_PATTERN, name), "no candidate has such a name"
