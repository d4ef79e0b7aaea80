"""Who speaks: windows of voice, clustered again and again while the call grows.

The voices of one call are found by Ward linkage over the windows heard so far, refined by a few steps of spherical
k-means; the number of speakers is the largest one at which every two clusters are still clearly different voices.
Ids once given stay with the cluster that holds most of what they were given to. `docs/decisions/0003` has the
measurements behind every choice here.

Pure and synchronous; times are milliseconds of call audio.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]
    Vectors = NDArray[np.float32]
    Labels = NDArray[np.intp]

MAX_SPEAKERS: Final = 6
BANK: Final = 320
"""Windows kept to cluster by (80 s of speech): re-clustering costs as much in the third hour as in minute three."""

_SAME_VOICE: Final = 0.38
"""Mean cosine between two windows of one voice, over all our recordings: what is believed before there is evidence."""
_SAME_VOICE_WEIGHT: Final = 30.0
"""How many pairs of windows outweigh that belief."""
_DIFFERENT_TWO: Final = 0.68
_DIFFERENT_MORE: Final = 0.55
"""Two clusters are different voices when their cosine is below this share of the cosine inside them. A third voice
needs more proof than a second: most calls have two."""
_DIFFERENT_SMALL: Final = 0.42
_SMALL: Final = 5
"""Clusters of fewer windows need more proof too."""
_FIRST: Final = 40
_EVEN_FIRST: Final = 0.2
_EVEN_LATER: Final = 0.12
"""While one voice is known: the mean cosine at which new speech is as likely that voice as another. With more than
`_FIRST` windows (10 s) heard, a clearly different voice would have become a cluster of its own."""
_EARLY: Final = 40
"""Windows up to which a call is young: voices are few, and each rests on little."""
_SURE: Final = 0.55
_KNOWN: Final = 4
"""Final windows from which a voice is known well enough to be told from another one within a second."""
_STRONG_MS: Final = 600
_NOBODY: Final = -1
_SWITCH_COST: Final = 0.35
"""Viterbi: what a change of speaker costs, in cosine. About two windows (0.5 s) must agree on it."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Window:
    """A window of voice; `vector` is of unit length."""

    start_ts: int
    end_ts: int
    vector: Vector

    @property
    def is_strong(self) -> bool:
        """Long enough to found a voice. Shorter ones are only compared with the voices that there are."""
        return self.end_ts - self.start_ts >= _STRONG_MS

    @property
    def middle_ts(self) -> int:
        return (self.start_ts + self.end_ts) // 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """Windows `first` to `last` (with it) of the open region, spoken by one voice."""

    first: int
    last: int
    speaker_id: int
    confidence: float

    @property
    def is_sure(self) -> bool:
        """Otherwise nobody can say who spoke: the words are unattributed and the windows name no cluster."""
        return self.confidence >= _SURE


class Diarizer:
    """The voices of one call. `known`: vectors of speakers met before a restart, whose ids go on."""

    def __init__(self, known: Mapping[int, Sequence[Vector]] | None = None) -> None:
        self._vectors: list[Vector] = []
        self._starts: list[int] = []
        self._ids: list[int] = []
        self._next_id = 0
        self._open: list[Window] = []
        self._centroids: Vectors | None = None
        self._cluster_ids: list[int] = []
        self._clustered_open = -1
        for speaker_id, vectors in (known or {}).items():
            for index, vector in enumerate(vectors):
                self._vectors.append(vector)
                self._starts.append(-1_000_000 * (speaker_id + 1) + index * 1_500)
                self._ids.append(speaker_id)
            self._next_id = max(self._next_id, speaker_id + 1)

    @property
    def open(self) -> Sequence[Window]:
        return self._open

    def observe(self, window: Window) -> None:
        """One more window of the open region, in order of time."""
        self._open.append(window)

    def split(self) -> list[Part]:
        """The open region's windows as parts of one voice each, by all that was heard so far. Makes nothing final."""
        if not self._open:
            return []
        if self._clustered_open != len(self._open):
            self._cluster()
            self._clustered_open = len(self._open)
        if self._centroids is None:
            # Nothing long enough to be a voice was said on this call yet.
            return [Part(first=0, last=len(self._open) - 1, speaker_id=self._next_id, confidence=0.0)]
        scores = np.stack([window.vector for window in self._open]) @ self._centroids.T
        path = _viterbi(scores)
        parts: list[Part] = []
        first = 0
        for at in range(1, len(path) + 1):
            if at == len(path) or path[at] != path[first]:
                cluster = path[first]
                parts.append(
                    Part(
                        first=first,
                        last=at - 1,
                        speaker_id=self._cluster_ids[cluster],
                        confidence=self._confidence(scores[first:at], cluster, first, at),
                    )
                )
                first = at
        return parts

    def commit(self, parts: Sequence[Part]) -> None:
        """Make `parts`, the first ones of the last `split`, final: their windows leave the open region."""
        count = parts[-1].last + 1 if parts else 0
        for part in parts:
            for window in self._open[part.first : part.last + 1]:
                if window.is_strong:
                    self._vectors.append(window.vector)
                    self._starts.append(window.start_ts)
                    self._ids.append(part.speaker_id if part.is_sure else _NOBODY)
            if part.is_sure:
                self._next_id = max(self._next_id, part.speaker_id + 1)
        self._open = self._open[count:]
        self._clustered_open = -1
        self._thin()

    def discard(self, count: int | None = None) -> None:
        """Forget the open region's first `count` windows (all of them): they held no words."""
        self._open = [] if count is None else self._open[count:]
        self._clustered_open = -1

    def keep_until(self, ts: int) -> None:
        """Forget the open windows that hear anything later than `ts`."""
        self._open = [window for window in self._open if window.end_ts <= ts]
        self._clustered_open = -1

    def margin(self, before: Sequence[Vector], after: Vector) -> float | None:
        """How clearly `after` is another known voice than `before` is: the lesser of the two distances (cosine).

        Of `before` to the best other voice than its own, and of `after` to the voice of `before`: where two people
        talk at once neither can be told. By what is final alone. None while fewer than two voices are known.
        """
        counts = Counter(speaker_id for speaker_id in self._ids if speaker_id != _NOBODY)
        known = sorted(speaker_id for speaker_id, count in counts.items() if count >= _KNOWN)
        if len(known) < 2:
            return None
        voices = np.stack([self.voice(speaker_id)[0] for speaker_id in known])
        scores = voices @ np.mean(before, axis=0)
        first = int(scores.argmax())
        surely_first = float(scores[first] - np.delete(scores, first).max())
        scores = voices @ after
        return min(surely_first, float(np.delete(scores, first).max() - scores[first]))

    def voice(self, speaker_id: int) -> tuple[Vector, int]:
        """The mean voice of a speaker (unit length) and the number of windows it rests on."""
        vectors = [v for v, i in zip(self._vectors, self._ids, strict=True) if i == speaker_id]
        mean = np.sum(vectors, axis=0)
        return mean / max(float(np.linalg.norm(mean)), 1e-9), len(vectors)

    def _confidence(self, scores: Any, cluster: int, first: int, stop: int) -> float:
        """How sure it is that windows `first` to `stop` are this cluster's voice (0 to 1).

        A logistic curve over the mean margin to the next best cluster. While there is but one, over the likeness to
        what was heard of it before, because one cluster also stands for "not heard enough to tell two apart".
        """
        if scores.shape[1] > 1:
            mean = scores.mean(axis=0)
            margin = float(mean[cluster]) - float(np.delete(mean, cluster).max())
            return 1.0 / (1.0 + math.exp(-14.0 * margin))
        if not self._vectors:
            return 1.0
        part = np.stack([window.vector for window in self._open[first:stop]])
        likeness = float((part @ np.stack(self._vectors).T).mean())
        even = _EVEN_FIRST if len(self._vectors) < _FIRST else _EVEN_LATER
        return 1.0 / (1.0 + math.exp(-20.0 * (likeness - even)))

    def _cluster(self) -> None:
        strong = [window for window in self._open if window.is_strong]
        if not self._vectors and not strong:
            self._centroids = None
            return
        vectors = np.stack([*self._vectors, *(window.vector for window in strong)])
        starts = np.array([*self._starts, *(window.start_ts for window in strong)])
        labels = find_voices(vectors, starts)
        clusters = int(labels.max()) + 1
        self._centroids = _centroids(vectors, labels, clusters)
        self._cluster_ids = self._name(labels, clusters)

    def _name(self, labels: Labels, clusters: int) -> list[int]:
        """An id for each cluster: the one most of its final windows carry, each id once, new ids for new voices."""
        votes: dict[tuple[int, int], int] = {}
        for label, speaker_id in zip(labels, self._ids, strict=False):
            if speaker_id != _NOBODY:
                key = (int(label), speaker_id)
                votes[key] = votes.get(key, 0) + 1
        names: dict[int, int] = {}
        for (cluster, speaker_id), _ in sorted(votes.items(), key=lambda item: (-item[1], item[0])):
            if cluster not in names and speaker_id not in names.values():
                names[cluster] = speaker_id
        fresh = self._next_id
        # New voices are numbered in the order in which they are heard.
        for cluster in dict.fromkeys(int(label) for label in labels):
            if cluster not in names:
                names[cluster] = fresh
                fresh += 1
        return [names[cluster] for cluster in range(clusters)]

    def _thin(self) -> None:
        """Keep the bank bounded: the voices heard most give up windows, evenly over the call."""
        if len(self._ids) <= BANK:
            return
        members: dict[int, list[int]] = {}
        for index, speaker_id in enumerate(self._ids):
            members.setdefault(speaker_id, []).append(index)
        quota = BANK * 3 // 4 // len(members)
        keep: list[int] = []
        for indices in members.values():
            if len(indices) <= quota:
                keep += indices
            else:
                keep += [indices[round(at)] for at in np.linspace(0, len(indices) - 1, quota)]
        keep = sorted(set(keep))
        self._vectors = [self._vectors[index] for index in keep]
        self._starts = [self._starts[index] for index in keep]
        self._ids = [self._ids[index] for index in keep]


def find_voices(vectors: Vectors, starts: NDArray[np.int64], *, most: int = MAX_SPEAKERS) -> Labels:
    """Cluster unit vectors [n, d] (windows that begin at `starts` ms) into voices: a label from 0 for each."""
    count = vectors.shape[0]
    one: Labels = np.zeros(count, dtype=np.intp)
    if count < 2:
        return one
    similarity = vectors @ vectors.T
    # Ward on unit vectors: the squared distance is 2 - 2 cos.
    distances = np.sqrt(np.maximum(0.0, 2.0 - 2.0 * similarity[np.triu_indices(count, 1)]))
    # Ward tells big clusters apart, but takes a second speaker's first words for noise of the first; average linkage
    # is good at just that and bad at the rest. Early in a call both propose, the likeness to the centroids decides.
    trees = [linkage(distances, "ward")]
    if count <= _EARLY:
        trees.append(linkage(np.square(distances), "average"))
    for clusters in range(min(most, count), 1, -1):
        best: tuple[float, Labels] | None = None
        for tree in trees:
            labels = _k_means(vectors, np.asarray(fcluster(tree, clusters, "maxclust"), dtype=np.intp) - 1, clusters)
            if not _all_differ(similarity, starts, labels, clusters):
                continue
            centroids = _centroids(vectors, labels, clusters)
            likeness = float(np.sum(vectors * centroids[labels]))
            if best is None or likeness > best[0]:
                best = (likeness, labels)
        if best is not None:
            return best[1]
    return one


def _k_means(vectors: Vectors, labels: Labels, clusters: int, steps: int = 10) -> Labels:
    for _ in range(steps):
        moved: Labels = (vectors @ _centroids(vectors, labels, clusters).T).argmax(axis=1)
        if bool((moved == labels).all()):
            break
        labels = moved
    return labels


def _centroids(vectors: Vectors, labels: Labels, clusters: int) -> Vectors:
    sums = np.stack([vectors[labels == cluster].sum(axis=0) for cluster in range(clusters)])
    return sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)


def _all_differ(similarity: Any, starts: NDArray[np.int64], labels: Labels, clusters: int) -> bool:
    """Whether every two clusters are different voices: alike inside, unlike each other."""
    sizes = np.bincount(labels, minlength=clusters)
    if int(sizes.min()) < (1 if labels.shape[0] <= _EARLY and clusters == 2 else 2 if labels.shape[0] <= _EARLY else 4):
        return False
    # Windows that share audio are alike whoever speaks.
    apart = np.abs(starts[:, np.newaxis] - starts[np.newaxis]) >= 1_500
    inside: list[float] = []
    for cluster in range(clusters):
        mine = labels == cluster
        pairs = apart & mine[:, np.newaxis] & mine[np.newaxis]
        total, weight = float(similarity[pairs].sum()) / 2, float(pairs.sum()) / 2
        inside.append((total + _SAME_VOICE * _SAME_VOICE_WEIGHT) / (weight + _SAME_VOICE_WEIGHT))
    for a in range(clusters):
        for b in range(a):
            between = float(similarity[np.ix_(labels == a, labels == b)].mean())
            limit = _DIFFERENT_TWO if clusters == 2 else _DIFFERENT_MORE
            if min(sizes[a], sizes[b]) < _SMALL:
                limit = min(limit, _DIFFERENT_SMALL)
            if between >= limit * math.sqrt(max(inside[a], 1e-3) * max(inside[b], 1e-3)):
                return False
    return True


def _viterbi(scores: Any) -> list[int]:
    """The best path through [windows, clusters] when each change of cluster costs `_SWITCH_COST`."""
    total = scores[0].astype(np.float64)
    back: list[Any] = []
    for row in scores[1:]:
        best = int(total.argmax())
        switch = float(total[best]) - _SWITCH_COST
        stay = total >= switch
        back.append(np.where(stay, np.arange(total.shape[0]), best))
        total = np.where(stay, total, switch) + row
    path = [int(total.argmax())]
    for came_from in reversed(back):
        path.append(int(came_from[path[-1]]))
    return path[::-1]
