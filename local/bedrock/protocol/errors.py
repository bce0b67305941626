"""The errors of a service as exceptions: code, status and message, known before anything is written to the wire."""

from __future__ import annotations


class ServiceError(Exception):
    """An answer other than success. ``code`` is the error's name in the model, e.g. ``ConflictException``."""

    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status  # None: as the model says


class InvalidError(ServiceError):
    """ValidationException."""

    def __init__(self, message: str) -> None:
        super().__init__("ValidationException", message)


class NotFoundError(ServiceError):
    """ResourceNotFoundException."""

    def __init__(self, message: str) -> None:
        super().__init__("ResourceNotFoundException", message)


class ConflictError(ServiceError):
    """ConflictException."""

    def __init__(self, message: str) -> None:
        super().__init__("ConflictException", message)


class QuotaError(ServiceError):
    """ServiceQuotaExceededException."""

    def __init__(self, message: str) -> None:
        super().__init__("ServiceQuotaExceededException", message)
