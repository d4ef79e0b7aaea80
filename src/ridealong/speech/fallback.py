"""Several transcribers in order: the next one hears while the one before is away."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Mapping
from typing import Final, cast

import structlog

from ridealong.core.errors import InvalidSettings, Unavailable
from ridealong.speech import Audio, Heard, Hearing, Transcriber

_log = structlog.get_logger(__name__)

_AWAY_S: Final = 60.0
"""How long a transcriber that failed is left alone."""
_REFUSED_S: Final = 600.0
"""The same for one that refuses us: only a person can mend that."""


class FallbackTranscriber:
    """Chooses at the start of each hearing; when one fails midway it raises Unavailable, and the next start goes on.

    So nobody has to hand audio from one transcriber to another: whoever hears a call starts again behind its last
    utterance anyway.
    """

    def __init__(self, transcribers: Mapping[str, Transcriber], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._transcribers = dict(transcribers)
        self._clock = clock
        self._away_until: dict[str, float] = {}

    async def hear(self, audio: AsyncIterable[Audio], hearing: Hearing) -> AsyncIterator[Heard]:
        """See `Transcriber.hear`. Raises InvalidSettings only where the last one does."""
        name = self._chosen()
        last = name == list(self._transcribers)[-1]
        stream = self._transcribers[name].hear(audio, hearing)
        try:
            async for heard in stream:
                yield heard
        except (Unavailable, InvalidSettings) as error:
            if last:
                raise
            refused = isinstance(error, InvalidSettings)
            self._away_until[name] = self._clock() + (_REFUSED_S if refused else _AWAY_S)
            _log.warning("transcriber_away", transcriber=name, refused=refused, why=str(error))
            raise Unavailable(f"the transcriber '{name}' is away, the next one takes over: {error}") from error
        finally:
            if isinstance(stream, AsyncGenerator):
                await cast("AsyncGenerator[Heard]", stream).aclose()

    def _chosen(self) -> str:
        now = self._clock()
        names = list(self._transcribers)
        return next((name for name in names if self._away_until.get(name, 0.0) <= now), names[-1])

    async def close(self) -> None:
        """Close them all."""
        for transcriber in self._transcribers.values():
            await transcriber.close()
