"""Equal questions asked once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from hashlib import blake2b

from rft.aws.converse import Reply
from rft.grading.judging.question import Question

MAX_REPLIES = 2048


class ReplyCache:
    """Replies by their questions, the last 2,048 that were used. For several threads.

    A question that is being asked already isn't asked again: whoever brings it too waits for the same reply, and gets
    the same exception if there is none. Exceptions aren't kept.
    """

    def __init__(self, size: int = MAX_REPLIES) -> None:
        self._size = size
        self._replies: OrderedDict[bytes, Future[Reply]] = OrderedDict()
        self._lock = threading.Lock()

    def reply(self, question: Question, ask: Callable[[], Reply], *, seconds: float) -> tuple[Reply, bool]:
        """The reply, and whether it was asked for by somebody else.

        Waits ``seconds`` at most for somebody else's, then raises TimeoutError. Raises what ``ask`` raises.
        """
        key = _digest(question)
        with self._lock:
            known = self._replies.get(key)
            if known is None:
                mine = self._replies[key] = Future[Reply]()
                while len(self._replies) > self._size:
                    self._replies.popitem(last=False)
            else:
                self._replies.move_to_end(key)
        if known is not None:
            return known.result(seconds), True
        try:
            reply = ask()
        except BaseException as exc:
            self.forget(question)
            mine.set_exception(exc)
            raise
        mine.set_result(reply)
        return reply, False

    def forget(self, question: Question) -> None:
        """Ask again next time, as a reply was of no use."""
        with self._lock:
            self._replies.pop(_digest(question), None)


def _digest(question: Question) -> bytes:
    # A question may have 100,000 characters; its hash stands for it.
    return blake2b(repr(tuple(question)).encode("utf-8", "surrogatepass"), digest_size=16).digest()
