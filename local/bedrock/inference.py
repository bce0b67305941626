"""Converse and InvokeModel: answers of base and trained policies, and of judges.

What these cannot do is refused instead of passed over: tools, guardrails and content that is not text. The one
exception is ``topP``, which is read and has no effect; so is a judge's ``temperature``.
"""

from __future__ import annotations

import itertools
import json
import threading
import time
import zlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.bedrock import conversation, judge
from local.bedrock.bases import Bases
from local.bedrock.catalog import GPT_OSS
from local.bedrock.learning.text import prompt_of
from local.bedrock.models import custom_model
from local.bedrock.protocol.errors import InvalidError, ServiceError
from local.bedrock.protocol.shapes import violations
from local.bedrock.protocol.wire import refusal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from botocore.model import ServiceModel

    from local.bedrock.catalog import Catalog
    from local.bedrock.deployments import Deployments
    from local.bedrock.faults import Faults
    from local.bedrock.learning.policy import Policy
    from local.bedrock.settings import Settings
    from local.bedrock.store import Store
    from local.bedrock.throughputs import Throughputs

UNTAUGHT = (
    "This is the local stand-in for Amazon Bedrock. It has not seen a dataset yet: "
    "start a run, and the base model will answer in the words of its data."
)
_DEFAULT_MAX_TOKENS = 4096
_KEPT = 4  # policies in memory
_FAULTY = {
    "garble": ("Overall I find this answer rather convincing.", "end_turn"),
    "refuse": ("The generated text has been blocked by our content filters.", "content_filtered"),
}
_UNUSED = ("toolConfig", "guardrailConfig", "promptVariables", "outputConfig")


@dataclass(frozen=True, slots=True)
class _Reply:
    text: str
    stop_reason: str
    tokens: int
    prompt_tokens: int
    milliseconds: int

    @property
    def usage(self) -> dict[str, int]:
        return {
            "inputTokens": self.prompt_tokens,
            "outputTokens": self.tokens,
            "totalTokens": self.prompt_tokens + self.tokens,
        }

    @property
    def output(self) -> dict[str, Any]:
        return {"message": {"role": "assistant", "content": [{"text": self.text}]}}


class Inference:
    """The two operations of the runtime, and the policies that they keep in memory."""

    def __init__(
        self,
        *,
        store: Store,
        settings: Settings,
        catalog: Catalog,
        deployments: Deployments,
        throughputs: Throughputs,
        faults: Faults,
        runtime: ServiceModel,
    ) -> None:
        self._store, self._settings, self._catalog = store, settings, catalog
        self._deployments, self._throughputs, self._faults = deployments, throughputs, faults
        self._bases = Bases(store, settings)
        self._converse_input = runtime.shape_for("ConverseRequest")
        self._policies: OrderedDict[tuple[Path, int], Policy] = OrderedDict()
        self._loading = threading.Lock()
        self._counter = itertools.count()

    def converse(self, given: dict[str, Any]) -> dict[str, Any]:
        """Converse."""
        if unused := [name for name in _UNUSED if given.get(name)]:
            raise InvalidError(f"The local stand-in does not take {', '.join(unused)}.")
        if not self._catalog.judge(given["modelId"]):
            conversation.check_fields(given.get("additionalModelRequestFields", {}), given.get("inferenceConfig", {}))
        reply = self._reply(given)
        return {
            "output": reply.output,
            "stopReason": reply.stop_reason,
            "usage": reply.usage,
            "metrics": {"latencyMs": reply.milliseconds},
        }

    def invoke(self, given: dict[str, Any]) -> dict[str, Any]:
        """InvokeModel with Nova's native body, whose members are those of Converse."""
        if self._catalog.model_id(given["modelId"]) == GPT_OSS:
            raise InvalidError(f"The local stand-in takes {GPT_OSS} by Converse only.")
        try:
            body = json.loads(given.get("body", b""))
        except (ValueError, RecursionError):
            raise InvalidError("Malformed input request: the body is not JSON.") from None
        if not isinstance(body, dict):
            raise InvalidError("Malformed input request: the body is not a JSON object.")
        known = {name: body[name] for name in ("messages", "system", "inferenceConfig") if name in body}
        if unknown := sorted(body.keys() - known.keys() - {"schemaVersion"}):
            raise InvalidError(f"Malformed input request: the local stand-in does not take {', '.join(unknown)}.")
        request = {"modelId": given["modelId"], **known}
        if broken := violations(self._converse_input, request):
            raise refusal(broken)
        reply = self._reply(request)
        answer = {"output": reply.output, "stopReason": reply.stop_reason, "usage": reply.usage}
        return {"body": json.dumps(answer, ensure_ascii=False).encode(), "contentType": "application/json"}

    def _reply(self, given: dict[str, Any]) -> _Reply:
        messages, system = given.get("messages", []), given.get("system", [])
        conversation.check(messages, system)
        model_id, config = given["modelId"], given.get("inferenceConfig", {})
        limit = config.get("maxTokens", _DEFAULT_MAX_TOKENS)
        began = time.monotonic()
        if judge_id := self._catalog.judge(model_id):
            text, stop_reason, tokens = self._judged(judge_id, messages, system, limit)
        else:
            text, stop_reason, tokens = self._completed(model_id, messages, config.get("temperature", 1.0), limit)
        text, stop_reason = conversation.cut(text, stop_reason, config.get("stopSequences", []))
        milliseconds = int((time.monotonic() - began) * 1000)
        return _Reply(text, stop_reason, tokens, conversation.tokens(messages, system), milliseconds)

    def _judged(
        self, judge_id: str, messages: Sequence[dict[str, Any]], system: Sequence[dict[str, Any]], limit: int
    ) -> tuple[str, str, int]:
        """A judge's text, why it ends there, and its tokens."""
        instructions = "\n".join(block["text"] for block in system)
        turns = ["\n".join(block["text"] for block in message["content"]) for message in messages]
        text, stop_reason = judge.reply(instructions, turns[::2]), "end_turn"
        if fault := self._faults.judge(judge_id, judge.without_codes("\n".join([instructions, *turns]))):
            text, stop_reason = _FAULTY[fault.do]
        return conversation.within(text, stop_reason, limit)

    def _completed(
        self, model_id: str, messages: Sequence[dict[str, Any]], temperature: float, limit: int
    ) -> tuple[str, str, int]:
        """The same of a policy."""
        path = self._weights(model_id, messages)
        if path is None:
            return UNTAUGHT, "end_turn", len(UNTAUGHT.split())
        prompt = prompt_of(messages)
        completion = self._policy(path).complete(
            prompt, temperature=temperature, max_tokens=limit, rng=self._dice(model_id, prompt)
        )
        return completion.text, completion.stop_reason, completion.tokens

    def _weights(self, model_id: str, messages: Sequence[dict[str, Any]]) -> Path | None:
        """The file of the policy that is to answer; None if it is the base and no dataset has been seen."""
        if self._catalog.is_base(model_id):
            return self._bases.base(messages)
        if ":custom-model-deployment/" in model_id:
            deployment = self._deployments.deployment(model_id)
            if not deployment.active:
                raise _not_ready(f"The deployment {deployment.name}", failed=bool(deployment.failure_message))
            model_arn = deployment.model_arn
        elif ":provisioned-model/" in model_id:
            throughput = self._throughputs.throughput(model_id)
            if not throughput.in_service:
                raise _not_ready(f"The provisioned model {throughput.name}", failed=bool(throughput.failure_message))
            model_arn = throughput.model_arn
            if self._catalog.is_base(model_arn):
                return self._bases.base(messages)
        else:
            raise InvalidError(f"The provided model identifier is invalid: {model_id}")
        return self._settings.models / custom_model(self._store, model_arn).job.id / "tuned.npz"

    def _policy(self, path: Path) -> Policy:
        from local.bedrock.learning.policy import Policy  # noqa: PLC0415  # numpy takes a while; many calls need none

        with self._loading:
            version = (path, path.stat().st_mtime_ns)  # a job that begins anew writes its base again
            if version not in self._policies:
                self._policies[version] = Policy.load(path)
            self._policies.move_to_end(version)
            while len(self._policies) > _KEPT:
                self._policies.popitem(last=False)
            return self._policies[version]

    def _dice(self, model_id: str, prompt: str) -> Any:
        """New random numbers for each call, the same ones for the same calls after the same start."""
        import numpy as np  # noqa: PLC0415  # as above

        seeds = (self._settings.seed, zlib.crc32(model_id.encode()), zlib.crc32(prompt.encode()), next(self._counter))
        return np.random.default_rng(seeds)


def _not_ready(what: str, *, failed: bool) -> ServiceError:
    if failed:
        return InvalidError(f"{what} is Failed.")
    return ServiceError("ModelNotReadyException", f"{what} is not ready to serve inference requests.")
