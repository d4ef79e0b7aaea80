"""The local models of one process, loaded once and shared by all of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ridealong.embedding.minilm import load_embedder
from ridealong.live.classify import MomentClassifier
from ridealong.live.head import SHIPPED, Heads
from ridealong.live.manner import Manner, load_manner
from ridealong.live.sale import load_sale_sense
from ridealong.live.train import load_head
from ridealong.postcall.local import LocalReviewer
from ridealong.postcall.reviewer import InThreads

if TYPE_CHECKING:
    from ridealong.config import Settings
    from ridealong.embedding import Vectors
    from ridealong.embedding.minilm import MiniLm
    from ridealong.live.head import Head
    from ridealong.live.sale import SaleSense
    from ridealong.live.taxonomy import Taxonomy
    from ridealong.postcall.reviewer import Reviewer


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Models:
    """The text model and what stands on it."""

    embedder: MiniLm
    head: Head
    manner: Manner
    sale_sense: SaleSense | None = None

    def embed(self, text: str) -> Vectors:
        """The vector of one text, shape [384]."""
        return self.embedder.embed([text])[0]

    def classifier(self, taxonomy: Taxonomy, heads: Heads = SHIPPED) -> MomentClassifier:
        """A classifier for one call."""
        return MomentClassifier(
            taxonomy=taxonomy,
            embedder=self.embedder,
            head=heads.live or self.head,
            shadow=heads.shadow,
            sale_sense=self.sale_sense,
        )

    def rep_log_odds(self, views: Vectors) -> float:
        """See `live.manner`."""
        return self.manner.rep_log_odds(views)

    def local_reviewer(self) -> LocalReviewer:
        """The local reviewer itself, which computes."""
        return LocalReviewer(self.embedder)

    def reviewer(self) -> Reviewer:
        """The local reviewer."""
        return InThreads(self.local_reviewer())


def load(settings: Settings) -> Models:
    """Load, and build what is not built yet (some seconds, once). Raises MissingPart."""
    embedder = load_text_model(settings)
    folder = settings.models_dir
    return Models(
        embedder=embedder,
        head=load_head(embedder, folder),
        manner=load_manner(embedder, folder),
        sale_sense=load_sale_sense(embedder, folder),
    )


def load_text_model(settings: Settings) -> MiniLm:
    return load_embedder(settings.models_dir)
