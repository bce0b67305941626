"""``report.html``: one file that needs nothing else, on a phone, on paper, in light and dark.

It has no script and asks no network for anything, and says so to the browser (its Content-Security-Policy); texts of
the users are escaped by the template engine, wherever they stand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from rft.report import checked, compared, recorded, words
from rft.report.blocks import Paragraph, Section, kind
from rft.report.curves import Training, training_of
from rft.report.manifest import manifest_of
from rft.report.material import Json, Material, mapping, part
from rft.report.pictures import Picture
from rft.report.spent import spent
from rft.report.texts import line, plain
from rft.report.verdict import Headline, headline

if TYPE_CHECKING:
    from jinja2 import Environment

STAND_IN = (
    "A stand-in trained this model: a small one that really learns, on one machine, from the rewards of the grader. "
    "The run proves the data, the grader and the wiring. It says nothing of what a Bedrock model will reach."
)
_DATA_ERRORS = ("DatasetInvalid", "DatasetMissing", "LogsMissing", "LogsDamaged", "LogsInconsistent")
_LONGEST = 4_000  # characters of one text; excerpts are far shorter
_UNMADE = "This part could not be made ({fault}); the documents beside this report have its data."


@dataclass(frozen=True, slots=True)
class Means:
    """Mean reward of one model; ``bar`` from 0 to 1."""

    name: str
    value: str
    bar: float
    is_candidate: bool


@dataclass(frozen=True, slots=True)
class Gain:
    """The number that everything is about. ``against``: the model that the candidate is held against, in words."""

    mean: str
    interval: str
    confidence: str
    against: str
    tone: str
    means: tuple[Means, ...]
    picture: Picture | None


@dataclass(frozen=True, slots=True)
class Report:
    """What a page or a text shows. ``faults`` names, by section, what went wrong in making it."""

    material: Material
    headline: Headline
    gain: Gain | None
    sections: tuple[Section, ...]
    manifest: Json
    faults: Mapping[str, str]


def report_of(material: Material) -> Report:
    """All of a report. A section that can't be made says so in its place, and the others are there all the same."""
    faults: dict[str, str] = {}
    manifest = _guarded("manifest", lambda: manifest_of(material), faults) or {}
    training = _guarded("curves", lambda: training_of(material.curves), faults) or Training()
    used = _guarded("spent", lambda: spent(material), faults) or {}
    makers: dict[str, tuple[str, Callable[[], Section | None]]] = {
        "look": ("What to look at", lambda: compared.look_at(material, training)),
        "models": ("The models side by side", lambda: compared.models(material)),
        "answers": ("The answers", lambda: compared.answers(material)),
        "training": ("The training", lambda: compared.training(material, training)),
        "gate": ("The gate", lambda: checked.gate(material)),
        "dataset": ("The dataset", lambda: checked.dataset(material)),
        "cost": ("Cost, estimated and measured", lambda: checked.cost(material, used)),
        "timeline": ("The run", lambda: recorded.timeline(material)),
        "lineage": ("Where it comes from", lambda: recorded.lineage(manifest)),
        "absent": ("Missing parts and warnings", lambda: recorded.absent(material)),
    }
    sections = [_section(name, *makers[name], faults) for name in _order(material, list(makers))]
    return Report(
        material=material,
        headline=_guarded("headline", lambda: headline(material), faults) or _bare(material),
        gain=_guarded("gain", lambda: _gain(material), faults),
        sections=tuple(section for section in sections if section is not None),
        manifest=manifest,
        faults=faults,
    )


def _bare(material: Material) -> Headline:
    return Headline(material.run.status.capitalize(), "plain", "The reason could not be read.", ())


def _order(material: Material, names: list[str]) -> Iterator[str]:
    """What ended the run early comes first."""
    error = part(material.run.reason, "error")
    first = "gate" if error == "GateClosed" else "dataset" if error in _DATA_ERRORS else None
    if first is not None:
        yield first
    yield from (name for name in names if name != first)


def _section(name: str, title: str, make: Callable[[], Section | None], faults: dict[str, str]) -> Section | None:
    section = _guarded(name, make, faults)
    if name in faults:
        return Section(name, title, [Paragraph(_UNMADE.format(fault=faults[name]), "warn")])
    return section


def _guarded[T](name: str, make: Callable[[], T], faults: dict[str, str]) -> T | None:
    try:
        return make()
    except Exception as fault:
        # Whatever a document holds that nobody thought of: it costs the report this one part.
        faults[name] = type(fault).__name__
        return None


def _gain(material: Material) -> Gain | None:
    found = part(material.comparison or material.run.comparison, "gain")
    if words.number(part(found, "mean")) is None:
        return None
    low, high = words.number(part(found, "low")), words.number(part(found, "high"))
    tone = "good" if low is not None and low > 0 else "bad" if high is not None and high < 0 else "plain"
    return Gain(
        mean=words.gain(part(found, "mean")),
        interval=words.interval(found),
        confidence=words.confidence(part(found, "confidence")),
        against="the live model" if material.against == "live" else "the base model",
        tone=tone,
        means=tuple(_means(material)),
        picture=compared.gain_picture(material),
    )


def _means(material: Material) -> Iterator[Means]:
    roles = mapping(material.comparison, "roles")
    told = {role: words.number(part(found, "reward", "mean")) for role, found in roles.items()}
    if not told:
        told = {role: words.number(mean) for role, mean in mapping(material.run.comparison, "means").items()}
    largest = max([1.0, *(abs(mean) for mean in told.values() if mean is not None)])
    for role in compared.ROLES:
        mean = told.get(role)
        if mean is not None:
            yield Means(compared.role_name(role), words.score(mean), max(0.0, mean / largest), role == "candidate")


def page(report: Report) -> str:
    """The whole page as text, to be written as UTF-8."""
    run = report.material.run
    return (
        _templates()
        .get_template("report.html.j2")
        .render(
            report=report,
            run=run,
            title=line(f"{run.model}: {report.headline.word.lower()}", 120),
            took=words.duration(words.seconds_between(run.created_at, run.ended_at)) if run.ended_at else None,
            stand_in=STAND_IN if report.material.is_stand_in else None,
        )
    )


@cache
def _templates() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - only who writes a page pays for it

    environment = Environment(
        loader=PackageLoader("rft.report"),
        autoescape=True,
        finalize=_harmless,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "kind": kind,
        "score": words.score,
        "gain": words.gain,
        "count": words.count,
        "share": words.share,
        "when": words.when,
        "milliseconds": words.milliseconds,
        "percent": _percent,
    }
    return environment


def _harmless(value: object) -> object:
    """Every text that goes into the page, once more: what a section forgot is no way in. Markup is the templates'."""
    if type(value) is not str:
        return value
    return plain(value) if len(value) <= _LONGEST else f"{plain(value[:_LONGEST])}…"


def _percent(part_of_one: float) -> str:
    """For a width: ``41.3``."""
    return f"{100 * min(max(part_of_one, 0.0), 1.0):.1f}"
