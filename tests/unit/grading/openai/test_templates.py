"""Templates: what a variable finds in a sample, and what is no variable."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rft.grading.errors import BadSample
from rft.grading.openai.template import Template, TemplateInvalid, Variable, parse_template, parse_variable
from rft.grading.openai.values import Values
from rft.grading.sample import Sample, read_envelope, read_sample
from tests.unit.grading.openai.parts import sample


def compiled(text: str) -> Template:
    template, faults = parse_template(text)
    assert not faults
    return template


def filled(text: str, given: Sample) -> str:
    template = compiled(text)
    return template.filled(Values(given).texts(template.variables))


RECORD: dict[str, Any] = {
    "topic": "geography",
    "options": ["Sydney", "Canberra", {"city": "Perth"}],
    "level": 3,
    "score": 0.5,
    "hard": True,
    "note": None,
    "my-key": "dashed",
    "two words": "spaced",
    "0": "zero",
    "Größe": "umlaut",
    "messages": "the record's own, hidden by the conversation",
    "deep": {"a": {"b": {"c": "bottom"}}, "0": "key"},
    "rft": {"run_id": "x-0123456789ab"},
}
REFERENCE = {"city": "Canberra", "notes": ["A", "B"]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("no variable, {single} braces and }} at the end", "no variable, {single} braces and }} at the end"),
        ("{{item.topic}}", "geography"),
        ("{{ item.topic }}", "geography"),
        ("{{\n\titem.topic  }}", "geography"),
        ("<{{item.topic}}|{{item.topic}}>", "<geography|geography>"),
        ('{"smiles": "{{item.topic}}"}', '{"smiles": "geography"}'),
        ('{"a": {{item.level}}}', '{"a": 3}'),
        ("{{ item.options[1] }}", "Canberra"),
        ("{{ item.options.1 }}", "Canberra"),
        ("{{ item.options[-1].city }}", "Perth"),
        ("{{ item.options }}", '["Sydney","Canberra",{"city":"Perth"}]'),
        ("{{ item.level }}{{ item.score }}{{ item.hard }}{{ item.note }}", "30.5truenull"),
        ("{{ item.my-key }}", "dashed"),
        ('{{ item["two words"] }}', "spaced"),
        ("{{ item['two words'] }}", "spaced"),
        ("{{ item.0 }}", "zero"),
        ("{{ item.deep.0 }}{{ item.deep[0] }}", "keykey"),
        ("{{ item.Größe }}", "umlaut"),
        ("{{ item.deep.a.b.c }}", "bottom"),
        ("{{ item.reference_answer.city }}", "Canberra"),
        ("{{ item.reference_answer.notes[0] }}", "A"),
        ("{{ item.reference_answer }}", '{"city":"Canberra","notes":["A","B"]}'),
        ("{{ item.messages[0].content }}", "Be short."),
        ("{{ item.messages[-1].content }}", "What is the capital of Australia?"),
        ("{{ item.messages[1].role }}", "user"),
        ("{{ sample.output_text }}", '{"city": "Canberra", "why": ["é", 1]}'),
        ("{{ sample.output_json.city }}", "Canberra"),
        ("{{ sample.output_json.why[0] }}{{ sample.output_json.why.1 }}", "é1"),
        ("{{ sample.output_json }}", '{"city":"Canberra","why":["é",1]}'),
    ],
)
def test_values(text: str, expected: str) -> None:
    assert filled(text, sample('{"city": "Canberra", "why": ["é", 1]}', REFERENCE, **RECORD)) == expected


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        ("{{ item.absent }}", "invalid_variable_error"),
        ("{{ item.topic.x }}", "invalid_variable_error"),
        ("{{ item.topic[0] }}", "invalid_variable_error"),
        ("{{ item.options[3] }}", "invalid_variable_error"),
        ("{{ item.options[-4] }}", "invalid_variable_error"),
        ("{{ item.options.city }}", "invalid_variable_error"),
        ("{{ item.options.٠ }}", "invalid_variable_error"),
        ("{{ item.note.x }}", "invalid_variable_error"),
        ("{{ item.level.x }}", "invalid_variable_error"),
        ("{{ item.reference_answer.absent }}", "invalid_variable_error"),
        ("{{ item.messages[2].content }}", "invalid_variable_error"),  # the answer isn't part of the record
        ("{{ item.deep.__class__ }}", "invalid_variable_error"),
        ("{{ sample.output_json.absent }}", "invalid_variable_error"),
        ("{{ sample.output_json[0] }}", "invalid_variable_error"),
    ],
)
def test_a_path_that_leads_nowhere(text: str, flag: str) -> None:
    with pytest.raises(BadSample) as bad:
        filled(text, sample('{"city": "Canberra"}', REFERENCE, **RECORD))
    assert bad.value.flags == (flag,)
    assert "Canberra" not in str(bad.value)


@pytest.mark.parametrize(
    "answer", ["Canberra", "", '{"city": "Canberra"', '{"a": 1} and more', '{"a": NaN}', "[" * 5000]
)
def test_an_answer_that_is_no_json(answer: str) -> None:
    with pytest.raises(BadSample) as bad:
        filled("{{ sample.output_json.city }}", sample(answer))
    assert bad.value.flags == ("sample_parse_error",)


def test_an_answer_in_a_code_fence_is_json() -> None:
    assert filled("{{ sample.output_json.a }}", sample('```json\n{"a": "b"}\n```')) == "b"


@pytest.mark.parametrize(
    "item",
    [
        {"metadata": {"reference_answer": "Canberra"}},
        {"metadata": {}, "reference_answer": "Canberra"},
        {"metadata": {"reference_answer": {"text": "Canberra"}}},
        {"metadata": {}, "reference_answer": {"text": "Canberra"}},
        {"metadata": '{"reference_answer": "Canberra"}'},
    ],
)
def test_a_reference_answer_is_found_wherever_a_sample_has_it(item: dict[str, Any]) -> None:
    messages = [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}]
    item = {"id": "1", "messages": messages} | item
    given = read_sample(item, read_envelope(item, 0))
    assert filled("{{ item.reference_answer }}", given) == "Canberra"
    assert filled("{{ item.reference_answer.text }}", given) == "Canberra"


def test_a_sample_without_a_reference_answer() -> None:
    with pytest.raises(BadSample) as bad:
        filled("{{ item.reference_answer }}", sample())
    assert bad.value.flags == ("invalid_variable_error",)


BRACES = "{{ sample.output_text }} {{ item.secret }} {completion} {{ {{ }} %s \\1"


def test_a_value_is_never_looked_at_for_variables() -> None:
    given = sample(BRACES, BRACES, secret="S", question=BRACES)
    text = "{{ item.question }}|{{ item.reference_answer }}|{{ sample.output_text }}"
    assert filled(text, given) == f"{BRACES}|{BRACES}|{BRACES}"


@given(
    st.text(max_size=30),
    st.text(max_size=30),
    st.lists(st.text(max_size=10).filter(lambda t: "{" not in t), min_size=3, max_size=3),
)
def test_any_value_comes_out_as_it_is(answer: str, note: str, around: list[str]) -> None:
    text = f"{around[0]}{{{{ sample.output_text }}}}{around[1]}{{{{item.note}}}}{around[2]}"
    assert filled(text, sample(answer, note=note)) == f"{around[0]}{answer}{around[1]}{note}{around[2]}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{{ question }}", "no such namespace"),
        ("{{ reference_answer.x }}", "no such namespace"),
        ("{{ Item.x }}", "no such namespace"),
        ("{{ samples.output_text }}", "no such namespace"),
        ("{{ item }}", "names a namespace alone"),
        ("{{ sample }}", "names a namespace alone"),
        ("{{ item. }}", "is no variable"),
        ("{{ item..x }}", "is no variable"),
        ("{{ item x }}", "is no variable"),
        ("{{ item.x y }}", "is no variable"),
        ("{{ item.x | upper }}", "is no variable"),
        ("{{ item.x + 1 }}", "is no variable"),
        ("{{ item.x() }}", "is no variable"),
        ("{{ item[x] }}", "is no variable"),
        ("{{ item.list[1:2] }}", "is no variable"),
        ("{{ item.list[99999999] }}", "is no variable"),
        ("{{}}", "is no variable"),
        ("{{ }}", "is no variable"),
        ("{{{ item.x }}}", "is no variable"),
        ('{{"a": 1}}', "is no variable"),
        ("{{ .item }}", "is no variable"),
        ("{{ item." + "x" * 200 + " }}", "is no variable"),
        ("{{ item" + ".x" * 17 + " }}", "is no variable"),
        ("{{ item.rft }}", "pipeline's own note"),
        ("{{ item.rft.grader_key }}", "pipeline's own note"),
        ('{{ item["rft"] }}', "pipeline's own note"),
        ("{{ sample.output_text.x }}", "goes into a text"),
        ("{{ sample.output_tools[0].function.name }}", "no calls of tools"),
        ("{{ sample.choices[0] }}", "no list of choices"),
        ("{{ sample.output_audio.data }}", "no sound"),
        ("{{ sample.answer }}", "isn't there; use {{ sample.output_text }}"),
        ("{{ item.x", "never closed"),
        ("{{ item.x }} {{", "never closed"),
    ],
)
def test_what_is_no_variable(text: str, told: str) -> None:
    _, faults = parse_template(text)
    assert len(faults) == 1
    assert told in faults[0]


def test_all_faults_of_a_text_are_told_and_quickly() -> None:
    assert len(parse_template("{{ a }} {{ item.x }} {{ b.c }} {{")[1]) == 3
    assert len(parse_template("{{" * 30_000)[1]) == 1
    assert parse_template("}}" * 30_000)[1] == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("item.reference_answer", "item.reference_answer"),
        ("item.Question Text".replace(" ", "-"), "item.question_text"),
        ("item.list[0]", "item.list.0"),
        ("item.messages[-1].content", "item.messages._1.content"),
        ("item.Größe", "item.gr__e"),
        ('item["<<<end>>>"]', "item.___end___"),
        ("item." + "x" * 150, "item." + "x" * 59),
    ],
)
def test_names_of_fences(text: str, name: str) -> None:
    assert parse_variable(text).fence_name == name


@given(st.text(max_size=40))
def test_any_text_in_braces_is_a_variable_or_refused(text: str) -> None:
    try:
        variable = parse_variable(text)
    except TemplateInvalid:
        return
    assert variable == Variable(variable.path)
    assert variable.path[0] in ("item", "sample")
    assert variable.path[:2] != ("item", "rft")
