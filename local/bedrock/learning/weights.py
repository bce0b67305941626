"""The weights of a log-linear model over hashed features, and how a gradient changes them.

A feature's weights are one row, a number for each token. Rows are made when a gradient first touches them, and their
number is bounded by MAX_NUMBERS over the vocabulary's size: a large vocabulary makes more features share a row, and
never makes the model larger than 32 MB.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray

from local.bedrock.learning.features import PADDING, Features, Floats, Ints

MAX_BUCKETS = 2**17
MAX_NUMBERS = 2**23

_GATHERED = 2**19
"""Numbers copied out of the rows at a time: 2 MB, about what a core's cache holds."""

_FIRST_SQUARE = 1e-3
"""AdaGrad's sum of squares before the first gradient: without it a rounding error would make a full step."""


class Weights:
    """Rows of float32 for the features that training has touched; every other feature weighs nothing."""

    def __init__(self, vocabulary: int) -> None:
        self.buckets = min(MAX_BUCKETS, MAX_NUMBERS // vocabulary)
        self.row_of = np.zeros(self.buckets + 1, np.int32)
        self.rows = np.zeros((1, vocabulary), np.float32)
        """Row 0 belongs to no feature and stays zero."""
        self._room = self.rows

    @classmethod
    def of(cls, buckets: Ints, rows: Floats) -> Self:
        """Weights whose touched buckets and rows are these, copied."""
        weights = cls(rows.shape[1])
        numbers = weights.row_numbers(buckets)
        weights.rows[numbers] = rows
        return weights

    def touched(self) -> tuple[Ints, Floats]:
        """The buckets that have a row, and these rows in the same order."""
        buckets = np.flatnonzero(self.row_of)
        return buckets, self.rows[self.row_of[buckets]]

    def logits(self, features: Features) -> Floats:
        """[positions, vocabulary]: the sum of the rows of each position's features, times their values."""
        positions, width = features.buckets.shape
        logits = np.empty((positions, self.rows.shape[1]), np.float32)
        row_of = self.row_of[features.buckets]
        for part in _parts(positions, width * self.rows.shape[1]):
            rows = self.rows[row_of[part]]
            logits[part] = np.matmul(features.values[part, None, :], rows)[:, 0, :]
        return logits

    def add(self, features: Features, slopes: Floats) -> None:
        """Adds to the row of each position's features their value times the position's `slopes`
        [positions, vocabulary]: the gradient of an objective with these slopes by the positions' logits."""
        width = features.buckets.shape[1]
        flat, values = features.buckets.ravel(), features.values.ravel()
        order = np.argsort(flat, kind="stable")
        order = order[np.searchsorted(flat, PADDING, side="right", sorter=order) :]
        buckets, place = np.unique(flat[order], return_inverse=True)
        numbers = self.row_numbers(buckets)
        for part in _parts(len(order), slopes.shape[1]):
            chosen = order[part]
            addends = slopes[chosen // width] * values[chosen, None]
            starts = np.flatnonzero(np.diff(place[part], prepend=-1))
            self.rows[numbers[place[part][starts]]] += np.add.reduceat(addends, starts, axis=0)

    def row_numbers(self, buckets: Ints) -> Ints:
        """The rows of these distinct buckets; those touched for the first time get one, all zero."""
        fresh = buckets[self.row_of[buckets] == 0]
        self.row_of[fresh] = np.arange(len(self.rows), len(self.rows) + len(fresh))
        self._grow(len(self.rows) + len(fresh))
        return self.row_of[buckets].astype(np.int64)

    def _grow(self, count: int) -> None:
        if count > len(self._room):
            self._room = np.zeros((min(2 * count, self.buckets + 1), self.rows.shape[1]), np.float32)
            self._room[: len(self.rows)] = self.rows
        self.rows = self._room[:count]


class AdaGrad:
    """Gradient ascent in which each row's rate falls with the sum of its squared gradients so far."""

    def __init__(self, weights: Weights, rate: float) -> None:
        self._weights, self._rate = weights, rate
        self._squares: NDArray[np.float64] = np.empty(0)

    def ascend(self, gradient: Weights) -> float:
        """One step along the gradient, which holds the slope by each weight; returns its norm."""
        buckets, slopes = gradient.touched()
        numbers = self._weights.row_numbers(buckets)
        added = len(self._weights.rows) - len(self._squares)
        self._squares = np.concatenate([self._squares, np.full(added, _FIRST_SQUARE)])
        squares = np.einsum("ij,ij->i", slopes, slopes, dtype=np.float64)
        self._squares[numbers] += squares
        slopes *= (self._rate / np.sqrt(self._squares[numbers, None])).astype(np.float32)
        self._weights.rows[numbers] += slopes
        return float(np.sqrt(squares.sum()))


def _parts(count: int, numbers_each: int) -> list[slice]:
    size = max(1, _GATHERED // numbers_each)
    return [slice(start, start + size) for start in range(0, count, size)]
