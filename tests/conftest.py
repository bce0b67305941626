"""For all tests."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import botocore.session
import pytest
from botocore.loaders import create_loader
from hypothesis import HealthCheck, settings

# Time is measured in benchmarks/, never by a test: on a busy machine a slow example is no fault of the code.
settings.register_profile("no-clock", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("no-clock")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """make quick does not even import the modules that are thorough as a whole: some compare with large libraries."""
    if config.option.markexpr != "not thorough" or collection_path.suffix != ".py":
        return None
    return "\npytestmark = pytest.mark.thorough\n" in collection_path.read_text() or None


def pytest_collection_finish() -> None:
    """Thousands of tests and the models of AWS's services stay to the end: looked through for garbage again and again,
    they cost a sixth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture(scope="session", autouse=True)
def read_services_once() -> Iterator[None]:
    """moto gives each test a session of its own, and each session reads the models of AWS's services anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", cache(create_loader))
        yield
