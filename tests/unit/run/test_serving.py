from __future__ import annotations

from typing import Any

import pytest

from rft.run.record import Run
from rft.run.serving import Serving
from rft.run.status import Status


@pytest.mark.parametrize(
    ("deploy", "kind", "serving"),
    [
        (None, "on-demand", Serving("on-demand")),
        (None, None, Serving("on-demand")),
        ("provisioned", "provisioned", Serving("provisioned", 1, None)),
        ({"kind": "provisioned", "model_units": 3}, "provisioned", Serving("provisioned", 3, None)),
        ({"kind": "provisioned", "commitment": "OneMonth"}, "provisioned", Serving("provisioned", 1, "OneMonth")),
    ],
)
def test_how_a_run_is_served_is_read_from_its_record(deploy: Any, kind: str | None, serving: Serving) -> None:
    request = {} if deploy is None else {"deploy": deploy}
    run = Run("r", "m", Status.COMPARING, "2026", "2026", request=request, deploy=kind)
    assert Serving.of(run) == serving
