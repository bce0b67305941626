"""The page in a real browser: whole at every width, in light, dark and print, and silent whatever its texts are."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from rft.report.page import page as page_of
from rft.report.page import report_of
from tests import chromium
from tests.chromium import Browser, Scheme
from tests.unit.report import hostile, materials

pytestmark = pytest.mark.thorough

WIDTHS = (360, 768, 1280)
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
KINDS = ("promoted", "kept", "rejected-at-the-gate", "bad-dataset", "failed-early")
HOSTILE = {f"hostile-{place}": text for place, text in enumerate(hostile.TEXTS)}
MEGABYTE = "one-megabyte"
BACKGROUND = "getComputedStyle(document.body).backgroundColor"
# Texts that are wider than their box would be cut off without a word.
BOXES = "[...document.querySelectorAll('pre, td, tbody th, dd, p, h1')]"
CUT_OFF = f"{BOXES}.filter(box => box.scrollWidth > box.clientWidth + 1).length"
ACTIVE = """document.querySelectorAll('script, img, iframe, object, form, a:not([href^="#"])').length"""


@cache
def content(name: str) -> bytes:
    if name in HOSTILE:
        material = hostile.poisoned(HOSTILE[name])
    elif name == MEGABYTE:
        material = hostile.poisoned("<b>" + "x" * 1_000_000)
    else:
        material = replace(materials.KINDS[name](), is_stand_in=name == "promoted")
    return page_of(report_of(material)).encode()


class Site:
    """Serves the pages, and keeps what it was asked for: a page that asks for anything else is seen."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                name = self.path.removeprefix("/").removesuffix(".html")
                body = content(name) if self.path.endswith(".html") else b""
                self.send_response(200 if body else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Site:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = chromium.program()
    with chromium.chromium(path) as started:
        yield started


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site() as started:
        yield started


def open_silently(browser: Browser, site: Site, name: str) -> None:
    """At every width and in both schemes: nothing in the console, nothing asked for, nothing to the side."""
    shown = browser.page()
    address = f"{site.url}/{name}.html"
    backgrounds = set()
    for width in WIDTHS:
        for scheme in SCHEMES:
            site.asked.clear()
            shown.look(width=width, scheme=scheme)
            shown.open(address)
            assert shown.value("innerWidth") == width
            assert shown.value("document.documentElement.scrollWidth") == width, (width, scheme)
            assert shown.value(CUT_OFF) == 0, (width, scheme)
            assert shown.value("document.querySelectorAll('h1').length") == 1
            backgrounds.add((scheme, shown.value(BACKGROUND)))
            assert site.asked == [f"/{name}.html"]
    shown.settle(0.2)
    assert shown.said == []
    assert set(shown.asked) <= {address, "data:,"}
    assert backgrounds == {("light", "rgb(255, 255, 255)"), ("dark", "rgb(17, 22, 27)")}
    shown.close()


@pytest.mark.parametrize("name", KINDS)
def test_a_report_is_whole_and_silent(browser: Browser, site: Site, name: str) -> None:
    open_silently(browser, site, name)


@pytest.mark.parametrize("name", [*HOSTILE, MEGABYTE])
def test_a_hostile_dataset_neither_breaks_nor_executes(browser: Browser, site: Site, name: str) -> None:
    """Also where the browser is told to forget the page's policy: the texts are harmless by themselves."""
    shown = browser.page()
    shown.call("Page.setBypassCSP", enabled=True)
    shown.look(width=360)
    shown.open(f"{site.url}/{name}.html")
    shown.settle(0.1)
    assert shown.said == []
    assert set(shown.asked) <= {f"{site.url}/{name}.html", "data:,"}
    assert shown.value(ACTIVE) == 0
    assert shown.value("document.documentElement.scrollWidth") == 360
    assert shown.value(CUT_OFF) == 0
    assert shown.value("document.documentElement.scrollHeight") < 120_000
    shown.close()


def test_hostile_texts_are_shown_as_they_are(browser: Browser, site: Site) -> None:
    shown = browser.page()
    shown.open(f"{site.url}/hostile-0.html")
    assert shown.value("document.querySelector('pre.text').textContent").strip() == hostile.SCRIPT
    shown.close()


def test_a_text_from_right_to_left_stays_in_its_box(browser: Browser, site: Site) -> None:
    shown = browser.page()
    shown.open(f"{site.url}/hostile-8.html")
    assert shown.value("getComputedStyle(document.querySelector('pre.text')).direction") == "rtl"
    assert shown.value("getComputedStyle(document.querySelector('footer')).direction") == "ltr"
    shown.close()


def test_a_printed_report_is_light_and_fits_the_paper(browser: Browser, site: Site) -> None:
    shown = browser.page()
    shown.look(width=688, scheme="dark", media="print")  # the width of A4 within its margins
    shown.open(f"{site.url}/promoted.html")
    assert shown.value(BACKGROUND) == "rgb(255, 255, 255)"
    assert shown.value("document.documentElement.scrollWidth") == 688
    assert shown.value(CUT_OFF) == 0
    assert shown.value("getComputedStyle(document.querySelector('.contents')).display") == "none"
    pdf = shown.pdf()
    assert pdf.startswith(b"%PDF")
    assert 2 <= pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page/") <= 16
    shown.close()


def test_the_policy_is_in_force(browser: Browser, site: Site) -> None:
    """Were a script to get in after all, the browser would not run it."""
    shown = browser.page()
    shown.open(f"{site.url}/promoted.html")
    shown.value("document.body.appendChild(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))")
    shown.value("document.body.appendChild(Object.assign(document.createElement('img'), {src: '/x.png'})).src")
    shown.settle(0.2)
    assert shown.value("window.ran") is None
    assert "/x.png" not in site.asked
    assert len([text for text in shown.said if "Content Security Policy" in text]) >= 2
    shown.close()


def test_without_a_browser_ci_fails_and_others_skip(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CHROMIUM", "CHROMIUM_REQUIRED", "CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(pytest.skip.Exception, match="no Chromium"):
        chromium.program()
    monkeypatch.setenv("CHROMIUM_REQUIRED", "1")
    with pytest.raises(pytest.fail.Exception, match="no Chromium"):
        chromium.program()
    monkeypatch.setenv("CHROMIUM", "/opt/chromium")
    assert chromium.program() == "/opt/chromium"
