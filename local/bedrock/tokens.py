"""Client request tokens: the same call twice makes one resource."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from local.bedrock.records import Token

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.bedrock.protocol.errors import ServiceError
    from local.bedrock.store import Store


def once(
    store: Store,
    operation: str,
    given: dict[str, Any],
    create: Callable[[], str],
    mismatch: Callable[[str], ServiceError],
) -> str:
    """The ARN that ``create`` gives, or that it gave when this token came before with the same content.

    A token that came with other content raises ``mismatch``. A call that fails leaves no trace of its token.
    """
    token = given.get("clientRequestToken")
    if token is None:
        with store.transaction():
            return create()
    rest = {name: value for name, value in given.items() if name != "clientRequestToken"}
    content = hashlib.sha256(json.dumps(rest, sort_keys=True, default=str).encode()).hexdigest()
    key = f"{operation}/{token}"
    with store.transaction():
        if known := store.get(Token, key):
            if known.content != content:
                raise mismatch(f"The clientRequestToken {token} was used before with other parameters.")
            return known.result
        arn = create()
        store.save(Token(arn=key, name=operation, content=content, result=arn))
        return arn
