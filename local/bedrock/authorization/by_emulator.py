"""The emulator decides, by the policies of the roles that are deployed in it: see ``local/emulator/routes.py``."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import urllib3

from local.bedrock.authorization.checking import Need, Refusal
from local.bedrock.protocol.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.bedrock.authorization.checking import Credentials

_SECONDS = 20.0  # the emulator has one thread for all that it is asked
_GRANTED_SECONDS = 1.0
"""How long a yes is gone by: a comparison asks thousands of times whether it may ask the same model. Sooner than AWS,
where a change of a policy takes seconds to arrive everywhere."""
_MOST_GRANTS = 1_000


class ByEmulator:
    """``key`` is what the emulator asks of the stand-in; connections are kept."""

    def __init__(self, endpoint: str, key: str) -> None:
        self._url = f"{endpoint}/_local/authorize"
        self._headers = {"x-local-key": key, "content-type": "application/json"}
        self._granted: dict[bytes, float] = {}
        self._http = urllib3.PoolManager(maxsize=16, timeout=_SECONDS, retries=urllib3.Retry(2, redirect=0))

    def refusal(self, credentials: Credentials, needs: Sequence[Need]) -> Refusal | None:
        """See ``Authorizer``."""
        question = json.dumps({**asdict(credentials), "checks": [asdict(need) for need in needs]}).encode()
        if self._granted.get(question, 0.0) > time.monotonic():
            return None
        status, answer = self._asked(question)
        if status == 403 and "code" in answer:
            raise ServiceError(answer["code"], answer["message"], 403)
        if status != 200:
            raise ServiceError("InternalServerException", f"The stand-in's question was refused with {status}", 500)
        if (refused := answer["refused"]) is None:
            self._grant(question)
            return None
        need = Need(refused["action"], refused["resource"])
        return Refusal(answer["arn"], need, explicit=refused["explicit"], policy_of=refused["policy_of"])

    def _grant(self, question: bytes) -> None:
        if len(self._granted) >= _MOST_GRANTS:
            self._granted.clear()
        self._granted[question] = time.monotonic() + _GRANTED_SECONDS

    def _asked(self, question: bytes) -> tuple[int, Any]:
        try:
            answer = self._http.request("POST", self._url, body=question, headers=self._headers)
            return answer.status, json.loads(answer.data)
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            message = f"The caller's rights can't be looked up: {type(error).__name__}"
            raise ServiceError("InternalServerException", message, 500) from error
