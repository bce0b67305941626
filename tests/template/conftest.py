from __future__ import annotations

from typing import Any

import pytest

from tests.template import translation


@pytest.fixture(scope="session")
def source() -> dict[str, Any]:
    return translation.read(translation.ROOT / "template.yaml")


@pytest.fixture(scope="session")
def resources(source: dict[str, Any]) -> dict[str, Any]:
    """What CloudFormation gets: the template after SAM's own transform."""
    found: dict[str, Any] = translation.translate(source)["Resources"]
    return found


@pytest.fixture(scope="session")
def machine() -> dict[str, Any]:
    return translation.machine()
