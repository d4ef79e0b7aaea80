"""The local models of one process, loaded once and shared by all of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ridealong.live.classify import MomentClassifier
from ridealong.postcall.review import LocalReviewer, Reviewer

if TYPE_CHECKING:
    from ridealong.embedding import Embedder, Vectors
    from ridealong.live.head import Head
    from ridealong.live.taxonomy import Taxonomy


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Models:
    """The text model and what stands on it."""

    embedder: Embedder
    head: Head

    def embed(self, text: str) -> Vectors:
        """The vector of one text, shape [384]."""
        return self.embedder.embed([text])[0]

    def classifier(self, taxonomy: Taxonomy) -> MomentClassifier:
        return MomentClassifier(embedder=self.embedder, head=self.head, taxonomy=taxonomy)

    def reviewer(self) -> Reviewer:
        return LocalReviewer(self.embedder)
