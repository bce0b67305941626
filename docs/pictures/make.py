"""The pictures of docs/reading-a-report.md: parts of a report as headless Chromium shows them.

    rft demo
    .venv/bin/python docs/pictures/make.py demo-reports/RUN_ID/report.html

The one of a closed gate is of the tests' own sample.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parents[1]))

from rft.report.page import page, report_of  # noqa: E402 - the checkout is on the path only now
from tests.chromium import Page, Scheme, chromium, found  # noqa: E402
from tests.unit.report.materials import rejected_at_the_gate  # noqa: E402

MOST_BYTES = 150_000
_MARGIN = 12


class Picture(NamedTuple):
    """From the top of ``first`` to the bottom of ``last``, both CSS selectors; at most ``most`` pixels high."""

    name: str
    first: str
    last: str
    width: int = 900
    scheme: Scheme = "light"
    most: int = 1_000


OF_THE_REPORT = (
    Picture("verdict", "body > *", "section.gain"),
    Picture("phone", "body > *", "section.gain", width=360, scheme="dark", most=1_400),
    Picture("models", "#models", "section[aria-labelledby=models] table:nth-of-type(2)"),
    Picture("answers", "article.sample", "article.sample"),
    Picture("training", "#training", "section[aria-labelledby=training] .gallery"),
)
OF_A_CLOSED_GATE = (Picture("gate", "header", "#gate ~ .notes"),)

_CLIP = """(() => {
  const top = document.querySelector(FIRST).getBoundingClientRect().top + scrollY - MARGIN;
  const bottom = document.querySelector(LAST).getBoundingClientRect().bottom + scrollY + MARGIN;
  return {x: 0, y: Math.max(0, top), width: innerWidth, height: Math.min(MOST, bottom - Math.max(0, top))};
})()"""


def take(shown: Page, address: str, picture: Picture) -> None:
    shown.look(width=picture.width, scheme=picture.scheme)
    shown.open(address)
    wanted: dict[str, Any] = {"FIRST": f"'{picture.first}'", "LAST": f"'{picture.last}'"}
    expression = _CLIP
    for name, value in (wanted | {"MARGIN": _MARGIN, "MOST": picture.most}).items():
        expression = expression.replace(name, str(value))
    image = shown.screenshot(clip=shown.value(expression))
    if len(image) > MOST_BYTES:
        raise SystemExit(f"{picture.name}.png would have {len(image):,} bytes; at most {MOST_BYTES:,}")
    (FOLDER / f"{picture.name}.png").write_bytes(image)


def main(report: Path) -> None:
    browser = found()
    if browser is None:
        raise SystemExit("no Chromium: apt-get install chromium, or name one with the variable CHROMIUM")
    with tempfile.TemporaryDirectory() as folder, chromium(browser) as started:
        shown = started.page()
        closed = Path(folder) / "closed.html"
        closed.write_text(page(report_of(rejected_at_the_gate())))
        for file, pictures in ((report.resolve(), OF_THE_REPORT), (closed, OF_A_CLOSED_GATE)):
            for picture in pictures:
                take(shown, file.as_uri(), picture)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: make.py REPORT_HTML")
    main(Path(sys.argv[1]))
