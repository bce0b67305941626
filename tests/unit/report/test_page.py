"""The page: there for every kind of run, whole with hostile texts, and never kept from being by an odd document."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft.report.material import Material
from rft.report.page import STAND_IN, page, report_of
from rft.run.record import Run
from tests.unit.report import hostile, materials
from tests.unit.report.hostile import ATTRIBUTES, ODD, TAGS, Parsed

pytestmark = pytest.mark.thorough

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def rendered(material: Material) -> Parsed:
    """The parsed page, once it is sure to be no more than it should be."""
    report = report_of(material)
    text = page(report)
    text.encode()
    parsed = Parsed(text)
    assert parsed.unclosed == [] == parsed.open
    assert {tag for tag, _ in parsed.tags} <= TAGS
    for tag, attributes in parsed.tags:
        assert attributes.keys() <= ATTRIBUTES, (tag, attributes)
        assert re.fullmatch(r"width:\d{1,3}\.\d%", attributes.get("style") or "width:0.0%")
        assert (attributes.get("href") or "#").startswith(("#", "data:,"))
    ids = [attributes["id"] for _, attributes in parsed.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    anchors = {attributes["href"] for tag, attributes in parsed.tags if tag == "a"}
    assert anchors <= {f"#{name}" for name in ids}
    return parsed


def said(parsed: Parsed) -> str:
    return " ".join(parsed.text.split())


@pytest.mark.parametrize("kind", materials.KINDS)
def test_every_kind_of_run_has_a_whole_page(kind: str) -> None:
    material = materials.KINDS[kind]()
    assert report_of(material).faults == {}
    parsed = rendered(material)
    assert material.run.run_id in said(parsed)
    tags = [tag for tag, _ in parsed.tags]
    assert tags.count("h1") == tags.count("main") == 1
    assert tags.count("table") == tags.count("caption")
    for tag, attributes in parsed.tags:
        assert tag != "svg" or (attributes["role"] == "img" and attributes["aria-label"])
        assert tag != "th" or attributes["scope"] in ("col", "row")
    assert ("meta", {"http-equiv": "Content-Security-Policy", "content": POLICY}) in parsed.tags
    assert len(page(report_of(material))) < 100_000


SAYS = {
    "promoted": ["Promoted", "gain in mean reward over the live model", "What to look at", "The worst regressions"],
    "kept": ["Kept", "The interval reaches across zero", "The best gains"],
    "kept-by-a-person": ["jane@example.com kept the old model."],
    "never-deployed": ["trained and not deployed, as the request asked", "Reward by training step"],
    "rejected-at-the-gate": ["No training was paid for: the gate is closed", "constant-reward", "rft check-grader"],
    "bad-dataset": ["No training was paid for", "unknown-role", "invalid-json", "rft check-dataset"],
    "bad-request": ["hyperparameters.batch_size: 16 to 512; it is 3"],
    "stopped": ["Stopped", "The run was stopped in training: stopped as asked."],
    "failed-early": ["Failed", "no reason was given", "rft show"],
    "failed-while-comparing": ["ComparisonFailed while its models were compared", "comparison.json", "NoSuchKey"],
}


@pytest.mark.parametrize("kind", materials.KINDS)
def test_every_kind_of_run_says_what_it_is_about(kind: str) -> None:
    words = said(rendered(materials.KINDS[kind]()))
    for expected in SAYS[kind]:
        assert expected in words
    assert ("gain in mean reward" in words) == (kind in ("promoted", "kept", "kept-by-a-person"))


def test_what_ended_the_run_comes_first() -> None:
    gate = report_of(materials.rejected_at_the_gate())
    assert [section.id for section in gate.sections][:2] == ["gate", "dataset"]
    assert report_of(materials.with_a_bad_dataset()).sections[0].id == "dataset"
    assert report_of(materials.promoted()).sections[0].id == "look"


def test_the_stand_in_is_told_of_before_everything_else() -> None:
    parsed = rendered(replace(materials.promoted(), is_stand_in=True))
    body = [tag for tag, _ in parsed.tags].index("body")
    assert parsed.tags[body + 1] == ("p", {"class": "stand-in", "role": "note"})
    words = said(parsed)
    assert words.index(STAND_IN) < words.index("Promoted")
    assert STAND_IN not in said(rendered(materials.promoted()))


def test_the_numbers_are_those_of_the_comparison() -> None:
    material = materials.promoted()
    document = material.comparison
    assert document is not None
    words = said(rendered(material))
    assert f"{document['gain']['mean']:+.2f}" in words
    assert f"{document['gain']['low']:+.2f} to {document['gain']['high']:+.2f} at 95\u00a0% confidence" in parsed_text(
        material
    )
    for role, name in (("base", "Base model"), ("live", "Live model"), ("candidate", "Candidate")):
        assert f"{name} {document['roles'][role]['reward']['mean']:.2f}" in words
    assert f"{document['win']} better" in words
    assert f"{document['loss']} worse" in words


def parsed_text(material: Material) -> str:
    return re.sub(r"[ \n]+", " ", Parsed(page(report_of(material))).text)


@pytest.mark.parametrize("text", hostile.TEXTS, ids=range(len(hostile.TEXTS)))
def test_hostile_texts_are_shown_and_do_nothing(text: str) -> None:
    material = hostile.poisoned(text)
    parsed = rendered(material)
    if text == hostile.SCRIPT:
        assert parsed.text.count(text) > 20, "shown as it is"
    for character in "\x1b\x00\x08\x7f\u202e\u2066\ud83d":
        assert character not in parsed.text
    assert len(page(report_of(material))) < 200_000


@given(st.text(st.characters(codec=None), max_size=60))
@settings(max_examples=25)
def test_any_text_is_shown_and_does_nothing(text: str) -> None:
    rendered(hostile.poisoned(text))


def test_lines_of_a_megabyte_make_no_large_page() -> None:
    rows = materials.rows()[:12]
    for row in rows:
        row["messages"][-1] = {"role": "user", "content": "word " * 200_000}
        row["answers"]["candidate"]["text"] = "x" * 1_000_000
    material = materials.of_comparison("promoted", rows)
    words = said(rendered(material))
    assert "998,800 more characters left out here" in words
    assert len(page(report_of(material))) < 150_000


def test_a_text_that_is_cut_shows_its_end_and_says_where_the_rest_is() -> None:
    rows = materials.rows()[:12]
    for row in rows:
        row["answers"]["candidate"]["text"] = f"{'reason ' * 1_000}The answer is 42."
    words = said(rendered(materials.of_comparison("promoted", rows)))
    assert re.search(r"[\d,]+ more characters left out here", words)
    assert "The answer is 42." in words


@given(st.data())
@settings(max_examples=40)
def test_an_odd_document_costs_its_own_part_at_most(data: st.DataObject) -> None:
    material = materials.promoted()
    parts = hostile.documents(material)
    name = data.draw(st.sampled_from([name for name, document in parts.items() if document is not None]))
    path = data.draw(st.sampled_from(hostile.paths(parts[name]) or [()]))
    changed = hostile.with_change(parts[name], path, data.draw(st.sampled_from(ODD)))
    report = report_of(replace(material, **{name: changed}))
    assert len(report.sections) >= 8
    assert len(report.faults) <= 2
    Parsed(page(report))


@given(st.sampled_from(hostile.RUN_FIELDS), st.sampled_from(ODD))
@settings(max_examples=40)
def test_an_odd_record_is_no_reason_for_no_report(name: str, value: Any) -> None:
    material = materials.promoted()
    run = replace(material.run, **{name: value})
    assert Parsed(page(report_of(replace(material, run=run)))).unclosed == []


@pytest.mark.parametrize("name", ["gate", "dataset", "comparison", "curves", "samples"])
@pytest.mark.parametrize("value", [None, {}])
def test_a_document_that_is_not_there_leaves_the_rest(name: str, value: Any) -> None:
    if name == "samples" and value == {}:
        return
    report = report_of(replace(materials.promoted(), **{name: value}))
    assert report.faults == {}
    assert len(report.sections) >= 7
    Parsed(page(report))


def test_a_run_of_which_nothing_but_its_id_is_known() -> None:
    bare = {"run_id": "m-0123456789ab", "model": "m", "status": "received", "created_at": "", "updated_at": ""}
    material = Material(run=Run.from_json(bare), stack="rft", made_at="2026-11-25T20:07:07Z", is_stand_in=False)
    words = said(rendered(material))
    assert "The run is still received" in words


def test_the_same_material_gives_the_same_page() -> None:
    first, second = (page(report_of(materials.promoted())) for _ in range(2))
    assert first == second


def test_curves_of_a_job_that_tells_none_are_those_of_its_grader() -> None:
    minutes = [
        {"at": materials.at(60 * n), "reward_mean": n / 10, "samples": 99, "components": {"form": 1 - n / 20}}
        for n in range(10)
    ]
    material = replace(materials.promoted(), curves={"training": [], "validation": [], "grader": minutes})
    words = said(rendered(material))
    assert "Reward by minute, as the grader saw it" in words
    assert "Components of the reward by minute" in words


def test_events_without_end_are_cut_in_the_middle() -> None:
    events = [{"at": materials.at(n), "type": "look_failed", "detail": {"error": f"Fault{n}"}} for n in range(500)]
    words = said(rendered(replace(materials.promoted(), events=events, events_left_out=9)))
    assert "449 events between them left out" in words
    assert "Fault0" in words and "Fault499" in words and "Fault250" not in words


def test_cost_has_what_was_measured_and_unknown_prices_stay_unknown() -> None:
    material = materials.promoted()
    words = said(rendered(material))
    assert "No price is known for: training, model-storage." in words
    assert material.comparison is not None
    read = material.comparison["roles"]["base"]["tokens"]["input"]
    assert f"{read:,} tokens" in words
    prices = material.prices
    assert prices is not None
    known = said(rendered(replace(material, prices=prices.with_overrides({"training": 60.0}))))
    assert "0.06 hours $3.60" in known


def test_the_policy_allows_what_the_page_needs_and_no_more() -> None:
    text = page(report_of(materials.promoted()))
    assert "<script" not in text
    assert "url(" not in text
    assert "@import" not in text
    assert json.dumps(text).count("http://") == text.count('xmlns="http://www.w3.org/2000/svg"')
    assert "https://" not in text
