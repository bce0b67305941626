"""Charts as SVG that may stand in any page: shapes, words and classes, and nothing else of what pygal writes.

pygal makes pages of their own: with a script, styles, and comments that hold addresses. Of its tree only what is named
here is taken over, so that no later version of it can bring anything in. Colours and fonts are the page's (classes and
CSS custom properties): one picture does for light, dark and print.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET  # to write with, it reads nothing # nosec B405

if TYPE_CHECKING:
    from pygal.graph.graph import Graph

WIDTH = 380
"""Of every picture, in its own units: on a phone they are about one pixel each, so its text can be read there."""
FONT_SIZE = 13
_SVG = "http://www.w3.org/2000/svg"
_ATTRIBUTES: Mapping[str, frozenset[str]] = {
    "g": frozenset({"class", "transform"}),
    "path": frozenset({"class", "d"}),
    "rect": frozenset({"class", "x", "y", "width", "height", "rx", "ry"}),
    "circle": frozenset({"class", "cx", "cy", "r"}),
    "text": frozenset({"class", "x", "y"}),
}
_LEFT_OUT = frozenset({"background", "text-overlay", "tooltip-overlay", "plot text-overlay", "plot tooltip-overlay"})
_FOR_SCRIPTS = frozenset({"reactive", "tooltip-trigger", "always_show"})
_SERIES = re.compile(r"series serie-(\d+)")
_NUMBER = re.compile(r"-?\d+\.\d+")
_FEW_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


def settings(*, height: int, **more: Any) -> dict[str, Any]:
    """What all charts have in common, for the constructor of a pygal chart."""
    from pygal.style import Style  # noqa: PLC0415 - only who draws pays for it

    style = Style(label_font_size=FONT_SIZE, major_label_font_size=FONT_SIZE, title_font_size=FONT_SIZE)
    return {
        "width": WIDTH,
        "height": height,
        "style": style,
        "css": (),
        "js": (),
        "show_legend": False,
        "explicit_size": False,
        "margin": 4,
        "margin_right": 10,
        "truncate_label": -1,
        "spacing": 4,
        "no_data_text": "",
    } | more


def drawn(chart: Graph, *, label: str, kind: str, series: Sequence[str]) -> str:
    """The chart as an SVG element. ``label`` says in words what it shows, for who can't see it. ``kind`` and, for each
    series, ``series`` are the classes that the page's style sheet knows them by."""
    tree = chart.render_tree()
    attributes = {"viewBox": tree.get("viewBox", ""), "class": f"plot {kind}", "role": "img", "aria-label": label}
    root = ET.Element("svg", {"xmlns": _SVG, **attributes})
    for child in tree:
        _copy(child, root, series)
    return ET.tostring(root, encoding="unicode")


def _copy(node: Any, parent: ET.Element, series: Sequence[str]) -> None:
    tag = node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""
    allowed = _ATTRIBUTES.get(tag)
    if allowed is None or node.get("class") in _LEFT_OUT:
        return
    kept = {name: _NUMBER.sub(_shorter, value) for name, value in node.attrib.items() if name in allowed and value}
    if number := _SERIES.match(kept.get("class", "")):
        kept["class"] = f"series {series[int(number[1])]}"
    elif "class" in kept:
        kept["class"] = " ".join(name for name in kept["class"].split() if name not in _FOR_SCRIPTS)
    copy = ET.SubElement(parent, tag, kept)
    if tag == "text":
        copy.text = node.text
    for child in node:
        _copy(child, copy, series)
    if tag == "g" and not len(copy):
        parent.remove(copy)


def _shorter(match: re.Match[str]) -> str:
    return f"{float(match[0]):.1f}".removesuffix(".0")


def ticks(low: float, high: float, *, most: int = 5) -> list[float]:
    """Round numbers from ``low`` to ``high``, at most so many; both ends are within the first and the last of them
    only if they are round."""
    # No two places of it have other numbers; or it is too small for a float to be divided.
    if high - low <= max(1e-9 * max(abs(low), abs(high)), 1e-300):
        return [low]
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(step * power for step in _FEW_STEPS if step * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(place * step, 10) for place in range(first, last + 1)]


def labels(places: Sequence[float]) -> list[dict[str, Any]]:
    """Ticks with their words: as many decimals as tell them apart."""
    step = min((b - a for a, b in pairwise(places)), default=1.0)
    decimals = next((n for n in range(6) if all(abs(round(p, n) - p) < step / 100 for p in places)), 6)
    return [{"value": place, "label": _told(place, decimals)} for place in places]


def _told(place: float, decimals: int) -> str:
    if abs(place) >= 1e5:
        return f"{place:.0e}".replace("e+0", "e").replace("-", "\u2212")
    return f"{place:,.{decimals}f}".replace("-", "\u2212")
