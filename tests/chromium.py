"""A headless Chromium, spoken to by the DevTools protocol over two pipes: no driver, no port, no package.

It is Debian's ``chromium`` (``.ci/run`` installs it), or whatever ``CHROMIUM`` names.
"""

from __future__ import annotations

import base64
import json
import os
import selectors
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--remote-debugging-pipe",
)
_SECONDS = 60.0

Json = dict[str, Any]
Scheme = Literal["light", "dark"]


def found() -> str | None:
    named = os.environ.get("CHROMIUM")
    return named or next((path for name in _NAMES if (path := shutil.which(name))), None)


def program() -> str:
    """Chromium's path. Where there is none a test is skipped; in CI, or where ``.ci/run`` has set the variable
    ``CHROMIUM_REQUIRED``, that would hide that nothing was looked at, so there it fails."""
    path = found()
    if path is not None:
        return path
    said = "no Chromium: apt-get install chromium, or name one with the variable CHROMIUM"
    if os.environ.get("CHROMIUM_REQUIRED") or os.environ.get("CI"):
        pytest.fail(said)
    pytest.skip(said)


class Closed(Exception):
    """Chromium has ended, or answers no more."""


class _Pipes:
    """Messages end with a NUL byte. Chromium reads from its file 3 and writes to its file 4."""

    def __init__(self, path: str, profile: Path) -> None:
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()

        def as_three_and_four() -> None:
            first, second = os.dup(theirs_in), os.dup(theirs_out)  # above 4, so that neither lands on the other
            os.dup2(first, 3)
            os.dup2(second, 4)

        self._process = subprocess.Popen(
            [path, *_FLAGS, f"--user-data-dir={profile}", "about:blank"],
            preexec_fn=as_three_and_four,  # noqa: PLW1509 - no thread runs yet
            pass_fds=(3, 4),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._in, selectors.EVENT_READ)
        self._read = bytearray()

    def send(self, message: Json) -> None:
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._out, data) :]

    def receive(self, until: float) -> Json | None:
        """The next message; None where none came in time."""
        while (end := self._read.find(b"\0")) < 0:
            if not self._selector.select(max(0.0, until - time.monotonic())):
                return None
            part = os.read(self._in, 1 << 20)
            if not part:
                raise Closed("Chromium has ended")
            self._read += part
        message: Json = json.loads(self._read[:end])
        del self._read[: end + 1]
        return message

    def close(self) -> None:
        self._selector.close()
        os.close(self._out)
        os.close(self._in)
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@dataclass
class Page:
    """``said`` has what the page wrote to the console, threw, or was refused; ``asked`` every address it asked for."""

    _browser: Browser
    _session: str
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def call(self, method: str, **params: Any) -> Json:
        return self._browser.call(method, params, self._session)

    def open(self, address: str) -> None:
        self.call("Page.navigate", url=address)
        self._browser.wait_for("Page.loadEventFired", self._session)

    def look(self, *, width: int, height: int = 900, scheme: Scheme = "light", media: str = "screen") -> None:
        """How the page is shown from now on."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.call("Emulation.setEmulatedMedia", media=media, features=[feature])

    def value(self, expression: str) -> Any:
        """Of a JavaScript expression; it runs beside the page, whose own policy allows none."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def screenshot(self, *, clip: Json | None = None, scale: float = 1.0) -> bytes:
        """A PNG: of the whole page, or of ``clip`` (x, y, width, height)."""
        wanted = clip or self.value("({x: 0, y: 0, width: innerWidth, height: document.documentElement.scrollHeight})")
        return base64.b64decode(
            self.call(
                "Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=wanted | {"scale": scale}
            )["data"]
        )

    def pdf(self) -> bytes:
        return base64.b64decode(self.call("Page.printToPDF", printBackground=True, preferCSSPageSize=True)["data"])

    def close(self) -> None:
        self.call("Page.close")

    def settle(self, seconds: float = 0.3) -> None:
        """Take in what comes late."""
        self._browser.drain(seconds)


class Browser:
    def __init__(self, pipes: _Pipes) -> None:
        self._pipes = pipes
        self._number = 0
        self._events: list[Json] = []
        self._pages: dict[str, Page] = {}

    def page(self) -> Page:
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        page = self._pages[session] = Page(self, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.call(f"{domain}.enable")
        return page

    def call(self, method: str, params: Json, session: str | None = None) -> Json:
        self._number += 1
        number = self._number
        target = {"sessionId": session} if session else {}
        self._pipes.send({"id": number, "method": method, "params": params} | target)
        until = time.monotonic() + _SECONDS
        while (message := self._pipes.receive(until)) is not None:
            if message.get("id") == number:
                assert "error" not in message, (method, message["error"])
                result: Json = message["result"]
                return result
            self._take(message)
        raise Closed(f"no answer to {method} within {_SECONDS:.0f} s")

    def wait_for(self, event: str, session: str) -> None:
        until = time.monotonic() + _SECONDS
        while True:
            for place, message in enumerate(self._events):
                if (message["method"], message.get("sessionId")) == (event, session):
                    del self._events[place]
                    return
            message_ = self._pipes.receive(until)
            if message_ is None:
                raise Closed(f"no {event} within {_SECONDS:.0f} s")
            self._take(message_)

    def drain(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (message := self._pipes.receive(until)) is not None:
            self._take(message)

    def _take(self, message: Json) -> None:
        page = self._pages.get(message.get("sessionId", ""))
        params = message.get("params", {})
        match message.get("method"):
            case "Runtime.consoleAPICalled" | "Runtime.exceptionThrown" | "Log.entryAdded" if page:
                page.said.append(json.dumps(params)[:2_000])
            case "Page.javascriptDialogOpening" if page:
                page.said.append(f"a dialog: {params['message']}")
            case "Network.requestWillBeSent" if page:
                page.asked.append(params["request"]["url"])
            case "Page.loadEventFired":
                self._events.append(message)


@contextmanager
def chromium(path: str) -> Iterator[Browser]:
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        pipes = _Pipes(path, Path(profile))
        try:
            yield Browser(pipes)
        finally:
            pipes.close()
