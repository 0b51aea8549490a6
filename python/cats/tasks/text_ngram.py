# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What a text model has to beat: counts of short runs of tokens, and general compressors.

An n-gram model is interpolated as Witten and Bell do (IEEE Trans. Information Theory 37(4), 1991,
method C): p(w | c) = (count(c w) + T(c) p(w | shorter c)) / (count(c) + T(c)), T(c) the number of
different tokens behind c; the shortest context's shorter one is uniform. It learns from the
training part and sees what the transformer sees, its own window.
"""

from __future__ import annotations

import bz2
import lzma

import numpy as np

#: Contexts of a part that are looked up at a time.
_CHUNK = 1 << 14


class Ngram:
    """Counts of up to ``order`` tokens in a row, of a text int [n] of ``tokens`` different ones."""

    def __init__(self, text: np.ndarray, tokens: int, order: int) -> None:
        from scipy.sparse import coo_array

        self.tokens, self.levels = tokens, []
        text = text.astype(np.int64)
        for length in range(order):  # of the context
            count = len(text) - length
            known, place = np.unique(self._contexts(text, length)[:count], return_inverse=True)
            pairs = coo_array(
                (np.ones(count), (place.ravel(), text[length:])), (len(known), tokens)
            ).tocsr()
            self.levels.append((known, pairs, np.diff(pairs.indptr), pairs.sum(1)))

    def _contexts(self, text: np.ndarray, length: int) -> np.ndarray:
        """A number for each run of ``length`` tokens: that from i on stands at i."""
        codes = np.zeros(len(text) - length + 1, np.int64)
        for i in range(length):
            codes = codes * self.tokens + text[i : len(codes) + i]
        return codes

    def shares(self, windows: np.ndarray, order: int) -> np.ndarray:
        """Probabilities of what follows each token of windows int [n, N], by at most ``order``
        tokens in a row: float32 [n, N, tokens]."""
        n, width = windows.shape
        found = np.full((n, width, self.tokens), 1 / self.tokens, np.float32)
        for i in range(0, n, max(1, _CHUNK // width)):
            chunk = slice(i, i + max(1, _CHUNK // width))
            for length, (known, pairs, different, total) in enumerate(self.levels[:order]):
                rows = windows[chunk].astype(np.int64)
                if width < length:
                    break
                codes = np.zeros((len(rows), width - max(length - 1, 0)), np.int64)
                for j in range(length):
                    codes = codes * self.tokens + rows[:, j : codes.shape[1] + j]
                place = np.searchsorted(known, codes).clip(max=len(known) - 1)
                there = known[place] == codes
                place = place[there]
                behind = found[chunk, width - codes.shape[1] :]  # a view
                more = different[place, None]
                mixed = pairs[place].toarray() + more * behind[there]
                behind[there] = mixed / (total[place, None] + more)
        return found


def compressed(before: bytes, text: bytes) -> dict[str, float]:
    """Bits a byte that compressors need for ``text``: bzip2 of it alone, and what it adds to the
    xz archive of ``before``."""
    both = [len(lzma.compress(data, preset=9)) for data in (before, before + text)]
    return {
        "bzip2, alone": 8 * len(bz2.compress(text)) / len(text),
        "xz, behind the training part": 8 * (both[1] - both[0]) / len(text),
    }
