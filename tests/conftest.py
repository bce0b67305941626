"""For all tests."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# Time is measured in benchmarks/, never by a test: on a busy machine a slow example is no fault of the code.
settings.register_profile("no-clock", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("no-clock")
