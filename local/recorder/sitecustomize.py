"""Found by the interpreter of a function while its calls are recorded, and by nobody else: see ``Cloud.start``.

It waits for botocore to be imported, which most of a cold start comes before and which some functions never do.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import ModuleSpec, PathFinder

TYPE_CHECKING = False  # as mypy knows it; ``typing`` itself would take longer than all else here
if TYPE_CHECKING:
    from typing import Any

_FOLDER, _FUNCTION = os.environ.get("LOCAL_RECORD_CALLS"), os.environ.get("AWS_LAMBDA_FUNCTION_NAME")


class _Watch:
    """An import hook for one module; it takes itself out."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name != "botocore.session":
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(name, path, target)
        if spec is None or spec.loader is None:
            return spec
        run = spec.loader.exec_module

        def run_and_listen(module: Any) -> None:
            run(module)
            _listen(module.Session)

        spec.loader.exec_module = run_and_listen  # type: ignore[method-assign]
        return spec


def _listen(session: Any) -> None:
    from call_record import Recorder  # type: ignore[import-not-found]  # noqa: PLC0415  # it lies beside this file

    recorder, made = Recorder(_FOLDER or "", _FUNCTION or ""), session.__init__

    def make(self: Any, *given: Any, **named: Any) -> None:
        made(self, *given, **named)
        recorder.register(self)

    session.__init__ = make


if _FOLDER and _FUNCTION:
    sys.meta_path.insert(0, _Watch())
