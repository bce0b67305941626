"""Words can be read on what they stand on, in light and dark (WCAG 2.2, AA: 4.5 to 1; lines of pictures 3 to 1)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import rft.report

STYLE = (Path(rft.report.__file__).parent / "templates" / "style.css").read_text()
_BLOCK = re.compile(r":root \{([^}]*--paper[^}]*)\}")
WORDS = ("ink", "quiet", "accent", "good", "bad", "warn")
LINES = ("accent", "second", "c1", "c2", "c3", "c4", "c5", "c6", "good", "bad")


def palettes() -> dict[str, dict[str, str]]:
    light, dark = (dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6})", block)) for block in _BLOCK.findall(STYLE))
    return {"light": light, "dark": light | dark}


def luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    bright, dim = sorted((luminance(first), luminance(second)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_and_lines_stand_out(scheme: str) -> None:
    colours = palettes()[scheme]
    pairs = [(word, ground) for word in WORDS for ground in ("paper", "raised")]
    pairs += [(tone, f"{tone}-wash") for tone in ("good", "bad", "warn")]
    pairs += [("ink", f"{tone}-wash") for tone in ("good", "bad", "warn", "plain")] + [("quiet", "plain-wash")]
    weak = {pair: contrast(*(colours[name] for name in pair)) for pair in pairs}
    assert {pair: value for pair, value in weak.items() if value < 4.5} == {}
    assert {name for name in LINES if contrast(colours[name], colours["paper"]) < 3} == set()


def test_every_colour_is_of_the_palette() -> None:
    rules = _BLOCK.sub("", STYLE)
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b|rgba?\(", rules) == []
    assert set(re.findall(r"var\(--([a-z0-9-]+)\)", rules)) <= palettes()["light"].keys()
