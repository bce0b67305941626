"""What every call of the API passes first: who calls, and how much it brings.

Who calls is what API Gateway has verified (``requestContext.identity``); no header and no body is asked. How much: API
Gateway takes 10 MB, of which a function would first make a dictionary.
"""

from __future__ import annotations

import base64
import binascii

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from rft.errors import BodyTooLarge, CallerUnknown, RequestInvalid, RequestProblem
from rft.run.request import MAX_REQUEST_BYTES
from rft.steps.pipeline import Pipeline

MOST_BYTES = {
    "/runs": MAX_REQUEST_BYTES,
    "/estimates": MAX_REQUEST_BYTES,
    "/graders/{name}/test": MAX_REQUEST_BYTES,  # OpenAI's grader JSON
    # Its limits count characters, of which UTF-8 makes up to four bytes.
    "/models/{model}/compare": 4 * MAX_REQUEST_BYTES,
    "/datasets/check": 16_384,  # two keys and two versions of the greatest length
}
"""Bytes of a body, by API Gateway's name of the route."""
LITTLE = 1_024
"""For every other: one word, or nothing."""


def pipeline_for(event: APIGatewayProxyEvent) -> Pipeline:
    """The pipeline as the caller may see it. Raises ``CallerUnknown``."""
    everything = Pipeline()
    arn = event.request_context.identity.user_arn
    scope = everything.environment.tenants.of_caller(arn)
    if scope is None:
        raise CallerUnknown(
            f"{arn or 'a caller without a name'} isn't one tenant of this stack (parameter Tenants): no entry fits it, "
            "or those of more than one"
        )
    return everything.within(scope)


def body_of(event: APIGatewayProxyEvent) -> str:
    """The body, empty where there is none. Raises ``BodyTooLarge``, and ``RequestInvalid`` for what is no text."""
    body, most = event.body or "", MOST_BYTES.get(event.resource, LITTLE)
    try:
        content = (
            base64.b64decode(body, validate=True) if event.is_base64_encoded else body.encode("utf-8", "surrogatepass")
        )
        if len(content) > most:
            raise BodyTooLarge(f"the body has {len(content):,} bytes; this route takes at most {most:,}")
        return content.decode("utf-8", "surrogatepass")
    except (binascii.Error, UnicodeDecodeError):
        raise RequestInvalid([RequestProblem("$", "is not UTF-8")]) from None
