"""When something went over a call's connection, and what follows: it has stalled, is silent, must be kept alive.

Pure: the event loop's time (s) and the call's (ms) come in.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from ridealong.speech.providers.deepgram.wire import DeepgramOptions

TICK_S: Final = 0.5
"""How often it is looked at."""
_KEEP_ALIVE_S: Final = 3.2
"""Of silence on the wire, looked at each tick: so every 3.2 to 3.7 s, inside Deepgram's 3 to 5."""
_FLOWING_S: Final = 1.5
"""Audio that was sent longer ago does not flow any more: then nothing need come back."""
_FINISH_AFTER_S: Final = 1.0
_LONG_TICKS: Final = 10
"""Audio sent that many ticks (5 s) ago of which nothing was said is taken for silence."""
_SILENT_S: Final = 3.0
_STALLS: Final = 3
"""Connections in a row that take audio with voices in it and answer nothing, before hearing is given up."""
_LONGEST_STALL_S: Final = 30.0
_UNANSWERED_S: Final = 1.0
_LISTEN_EVERY_S: Final = 0.25
"""What is sent and not answered is looked at for a voice after a second, and then so often: whoever speaks is met."""
_VOICED: Final = 330
"""Of 32768: about -40 dBFS, which no pause on a telephone line reaches."""


class Watch:
    """Over all connections of one call, one after the other."""

    def __init__(self, options: DeepgramOptions) -> None:
        self._first_stall_s = options.stall_s
        self._stalls = 0
        self._last_wire = self._last_ship = 0.0
        self.last_heard = 0.0
        self._unanswered: float | None = None
        """Since when audio is sent and nothing comes back."""
        self._voiced = False
        """There was a voice in it."""
        self._listen_from = 0.0
        """When the audio is looked at for a voice again."""
        self.finishing = False
        """The vendor was asked to finish its words, and no audio was sent since."""
        self._sent_at: deque[int] = deque(maxlen=_LONG_TICKS)
        """How far audio was sent at the last ticks."""

    # ---- what happens

    def begin(self, now: float, data: bytes) -> None:
        """A new connection, which gets `data` again."""
        self._sent_at.clear()
        self._last_wire = self._last_ship = self.last_heard = now
        self._unanswered, self._voiced = (now if data else None), bool(data) and has_voice(data)
        self._listen_from = now + _UNANSWERED_S
        self.finishing = False

    def sent(self, now: float, data: bytes) -> None:
        self._last_ship = self._last_wire = now
        self.finishing = False
        if self._unanswered is None:
            self._unanswered, self._voiced, self._listen_from = now, False, now + _UNANSWERED_S
        elif now > self._listen_from and not self._voiced:
            self._voiced, self._listen_from = has_voice(data), now + _LISTEN_EVERY_S

    def heard(self, now: float, *, results: bool) -> None:
        self.last_heard = now
        self._unanswered = None
        if results:
            self._stalls = 0

    def over(self, now: float) -> None:
        """The audio is over: what is still to come is waited for by `last_heard`."""
        self._unanswered = None
        self.last_heard = now

    def tick(self, through_ts: int) -> None:
        """Every `TICK_S` while the connection is open: audio was sent up to `through_ts`."""
        self._sent_at.append(through_ts)

    def stall(self) -> bool:
        """The connection has `stalled`. True: so did those before it, though somebody spoke."""
        self._stalls += 1
        return self._stalls > _STALLS and self._voiced

    # ---- what follows

    def long_sent_ts(self, now: float) -> int:
        """Up to where audio was sent so long ago that nothing said of it means silence. A vendor that answers is behind
        at most: only one that says nothing is taken at its silence."""
        silent = len(self._sent_at) == _LONG_TICKS and now - self.last_heard > _SILENT_S
        return self._sent_at[0] if silent else 0

    def waits(self, now: float) -> bool:
        """No audio was sent for a tick: what is pending need not wait for more."""
        return now - self._last_ship >= TICK_S

    def stalled(self, now: float) -> bool:
        """Longer each time: a vendor that is silent while nobody speaks would else be reopened without end."""
        if now - self._last_ship >= _FLOWING_S:
            self._unanswered = None
        if self._unanswered is None:
            return False
        return now - self._unanswered >= min(_LONGEST_STALL_S, self._first_stall_s * 2**self._stalls)

    def to_finish(self, now: float) -> bool:
        """No silence follows by which the vendor could tell that its words are complete: it has to be asked, once."""
        return not self.finishing and now - self._last_ship >= _FINISH_AFTER_S

    def asked_to_finish(self, now: float) -> None:
        self.finishing = True
        self._last_wire = now

    def keep_alive(self, now: float) -> bool:
        """Whether something has to be sent now, lest the vendor close. It counts as sent."""
        if now - self._last_wire < _KEEP_ALIVE_S:
            return False
        self._last_wire = now
        return True


def has_voice(pcm: bytes) -> bool:
    """Whether some sample of it is louder than a quiet line."""
    import numpy as np  # noqa: PLC0415

    samples = np.frombuffer(pcm, dtype="<i2")
    return int(samples.max()) > _VOICED or int(samples.min()) < -_VOICED
