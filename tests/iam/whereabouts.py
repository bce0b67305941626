"""What IAM knows of every request of this application: TLS, the region, and whose account it is."""

from __future__ import annotations

from dataclasses import replace

from tests.iam.calls.place import Need, Place


def everywhere(need: Need, place: Place) -> Need:
    """A need with the keys that every request has."""
    known = {
        "aws:PrincipalAccount": place.account,
        "aws:RequestedRegion": place.region,
        "aws:SecureTransport": "true",
    }
    return replace(need, context={**known, **need.context})
