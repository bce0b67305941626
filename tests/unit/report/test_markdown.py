"""The text for a pull request: short, whole, without a word of the data, and without markup that isn't ours."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rft.report.markdown import MOST, escaped, markdown
from rft.report.page import report_of
from tests.unit.report import hostile, materials

_HTML = re.compile(r"<(?!/?(?:details|summary)>)")


def unescaped(text: str) -> str:
    """Without code spans and without what a backslash has made plain."""
    return re.sub(r"\\.", "", re.sub(r"`[^`]*`", "", text))


@pytest.mark.parametrize("kind", materials.KINDS)
def test_every_kind_of_run_has_one(kind: str) -> None:
    material = materials.KINDS[kind]()
    text = markdown(report_of(material))
    assert text.startswith("## ")
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert f"`{material.run.run_id}`" in text
    assert text.count("<details>") == text.count("</details>")
    assert len(text) < 12_000


def test_it_has_the_numbers_and_the_verdict_first() -> None:
    material = materials.promoted()
    text = markdown(report_of(material))
    assert material.comparison is not None
    gain = material.comparison["gain"]
    assert text.splitlines()[0] == "## 🟢 ticket\\-triage: promoted"
    assert "| mean reward | base model | live model | candidate | gain | interval |" in text
    assert f"**\\+{gain['mean']:.2f}** | \\+{gain['low']:.2f} to \\+{gain['high']:.2f} at 95\u00a0%" in text.replace(
        "95 %", "95\u00a0%"
    )
    assert "Not a Bedrock model" not in text
    assert "Not a Bedrock model" in markdown(report_of(replace(material, is_stand_in=True)))


def test_it_has_no_prompt_and_no_answer() -> None:
    text = markdown(report_of(hostile.poisoned("x")))
    rows = materials.rows(live=0.5)
    for row in rows:
        row["messages"] = [{"role": "user", "content": "the secret prompt"}]
        row["reference_answer"] = "the secret reference"
        for answer in row["answers"].values():
            answer["text"] = "the secret answer"
    text = markdown(report_of(materials.of_comparison("promoted", rows)))
    assert "secret" not in text
    assert "better" in text


@pytest.mark.parametrize("text", hostile.TEXTS, ids=range(len(hostile.TEXTS)))
def test_hostile_texts_stay_texts(text: str) -> None:
    told = markdown(report_of(hostile.poisoned(text)))
    told.encode()
    assert len(told) <= MOST + 5_000
    plain = unescaped(told)
    assert not _HTML.search(plain)
    assert "](" not in plain
    assert not re.search(r"@\w", plain)
    assert not re.search(r"https?://", plain)
    for table in re.findall(r"(?:^\|.*\n)+", told, re.MULTILINE):
        columns = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(columns) == 1, table


@given(st.text(st.characters(codec=None), max_size=80))
def test_any_text_is_one_line_without_markup(text: str) -> None:
    told = escaped(text)
    assert "\n" not in told
    assert not set(re.sub(r"\\.|&#\d+;", "", told)) & set("`*_[]<>|~&$#")
    assert "@" not in told.replace("@\u200b", "")
