"""The dependencies layer has what the functions load of botocore: it is cut down to the services that it names."""

from __future__ import annotations

import re
import typing
from pathlib import Path

from rft.aws import clients

ROOT = Path(__file__).resolve().parents[2]


def test_every_service_that_a_client_is_made_for_is_shipped() -> None:
    (line,) = re.findall(r"^SERVICES := (.+)$", (ROOT / "layers/dependencies/Makefile").read_text(), re.MULTILINE)
    overloads = typing.get_overloads(clients.client)
    asked = {re.findall(r"['\"](.+)['\"]", overload.__annotations__["service"])[0] for overload in overloads}
    assert {"bedrock", "s3", "cloudwatch"} <= asked <= set(line.split())
