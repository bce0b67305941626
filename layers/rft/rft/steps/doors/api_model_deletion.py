"""DELETE /models/{model}: handed to DeleteModel's function, the only one that may remove what serves users."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ReadTimeoutError

from rft.aws import functions
from rft.errors import ModelBusy, ModelMissing
from rft.steps.pipeline import Pipeline
from rft.steps.serving.delete_model import no_such_model

_SECONDS = 25.0  # the API itself has 29
_OF_THE_MODEL = {kind.__name__: kind for kind in (ModelBusy, ModelMissing)}


def delete_through_function(pipeline: Pipeline, name: str) -> dict[str, Any]:
    """As ``rft.steps.serving.delete_model`` answers. Raises ``ModelBusy`` and ``ModelMissing``.

    The function sees every model: whether this one is the caller's is decided here.
    """
    if not pipeline.environment.scope.has_model(name):
        raise ModelMissing(no_such_model(name))  # the function's own words, for what was never there
    try:
        return functions.ask(pipeline.environment.delete_model_function, {"model": name}, seconds=_SECONDS)
    except functions.FunctionFailed as failed:
        kind = _OF_THE_MODEL.get(failed.name)
        raise (kind(failed.message) if kind else RuntimeError(f"the deletion ended with {failed.name}")) from None
    except ReadTimeoutError:
        going = {"kind": "deletion", "id": name, "state": "going", "reason": "it takes longer than the API waits"}
        return {"model": name, "removed": [], "left": [going | {"until": None}]}
