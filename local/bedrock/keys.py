"""Customer-managed keys, as KMS beside the stand-in knows them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from local.bedrock import aws
from local.bedrock.protocol.errors import InvalidError, ServiceError

if TYPE_CHECKING:
    from local.bedrock.settings import Settings

_KEY_ID = re.compile(r"[a-zA-Z0-9-]{36}|mrk-[a-zA-Z0-9]{32}")
_ABSENT = {"NotFoundException", "InvalidArnException"}


class Keys:
    """Looks at keys with the account's own keys: whether the caller may, is asked before."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._kms: Any = None

    def arn_asked_for(self, identifier: str) -> str:
        """The key's ARN for an id, an ARN or an alias; for an alias of nothing the alias' own ARN."""
        place = f"arn:aws:kms:{self._settings.region}:{self._settings.account}:"
        if _KEY_ID.fullmatch(identifier):
            return f"{place}key/{identifier}"
        if ":alias/" not in identifier and not identifier.startswith("alias/"):
            return identifier
        found = self._described(identifier)
        return str(found["Arn"]) if found else place + identifier.removeprefix(place)

    def usable(self, identifier: str) -> str:
        """The ARN of a key that a model can be encrypted with. Raises ValidationException for any other."""
        found = self._described(identifier)
        if found is None:
            raise InvalidError(f"The customModelKmsKeyId {identifier} is not a key of this account and region.")
        if found.get("KeyState", "Enabled") != "Enabled" or found.get("KeySpec", "SYMMETRIC_DEFAULT") not in (
            "SYMMETRIC_DEFAULT",
        ):
            raise InvalidError(f"The customModelKmsKeyId {identifier} must be an enabled symmetric key.")
        return str(found["Arn"])

    def _described(self, identifier: str) -> dict[str, Any] | None:
        try:
            if self._kms is None:
                session = aws.session(self._settings.access_key, self._settings.secret_key, self._settings.region)
                self._kms = aws.client(session, "kms", self._settings.aws_endpoint)
            found: dict[str, Any] = self._kms.describe_key(KeyId=identifier)["KeyMetadata"]
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _ABSENT:
                return None
            raise ServiceError("InternalServerException", "KMS did not answer for the key", 500) from error
        except BotoCoreError as error:
            raise ServiceError("InternalServerException", "KMS did not answer for the key", 500) from error
        return found
