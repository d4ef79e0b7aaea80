"""The live view of one call in a terminal: what `ridealong demo` and `ridealong coach` show.

Everything that came from a call (words, titles, messages) is shown as text, never as markup: control characters are
taken out, and what the terminal's encoding cannot hold becomes "?". Where standard output is no terminal, the same
news comes as plain lines, one piece of news a line, without the partials.
"""

from __future__ import annotations

import io
import unicodedata
from types import TracebackType
from typing import Final

from rich.console import Console
from rich.live import Live
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ridealong.app.artifact_view import ArtifactView, timecode
from ridealong.core.events import (
    CallEnded,
    CallEvent,
    CallStarted,
    FeedbackGiven,
    GapRecorded,
    MarkMade,
    MessageSent,
    MomentAhead,
    MomentDecided,
    PartialHeard,
    ReviewFinished,
    RoleLearned,
    UtteranceFinished,
    WarningGiven,
)
from ridealong.core.moments import Tier
from ridealong.core.transcript import Role, RoleAssignment, Roles, RoleSource, Speaker, Unattributed

_ROLE_STYLES: Final = {Role.REP: "cyan", Role.CUSTOMER: "yellow"}
_SPEAKER_STYLES: Final = ("green", "magenta", "blue", "bright_red")
"""For voices whose role is not known: colours that no role uses."""

_NAME_WIDTH: Final = 9
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
"""Unicode categories that move the cursor, turn the writing direction, or cannot be written at all."""

_JOINER: Final = "\u200d"
"""Holds the parts of one character together in several scripts and in emoji: the one format character that is kept."""


class CallView:
    """Shows the events of one call as they come. Use as a context manager: it holds the line of the open words.

    Not thread-safe: call `show` from one thread. It never raises because of what an event holds.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        if isinstance(self._console.file, io.TextIOWrapper):
            # A call may hold letters that this terminal's encoding lacks: "?" is better than the end of the program.
            self._console.file.reconfigure(errors="replace")
        self._roles = Roles()
        self._live: Live | None = None

    def __enter__(self) -> CallView:
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            # Refreshed by `show` alone: a refresh thread would draw while another part prints.
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def show(self, event: CallEvent) -> None:  # noqa: PLR0912 - one for each event
        """Show one event."""
        match event:
            case CallStarted():
                self._line("call", f"{event.call_id} has begun", "bold")
            case PartialHeard():
                self._partial(event)
            case UtteranceFinished():
                self._utterance(event)
            case RoleLearned():
                self._role(event.assignment)
            case MomentAhead():
                if event.moment.tier is Tier.NUDGE:
                    self._nudge(event)
            case MomentDecided():
                if event.moment.tier is not Tier.NUDGE:
                    self._noted(event)
                elif not event.told_ahead:
                    self._nudge(event)
            case GapRecorded():
                seconds = event.duration_ms / 1000
                self._line(
                    "gap", f"{timecode(event.at_ts)}: about {seconds:.1f} s of audio are missing: {event.reason}", "red"
                )
            case MarkMade():
                self._line("mark", f"{timecode(event.at_ts)}: {printable(event.author.name)}", "bold")
            case FeedbackGiven():
                self._line("feedback", f"{event.verdict.value}: {printable(event.author.name)}", "dim")
            case MessageSent():
                self._line("message", f"{printable(event.author.name)}: {printable(event.text)}", "bold")
            case WarningGiven():
                self._line("warning", f"{event.message} ({event.code})", "bold red")
            case CallEnded():
                self._line("call", f"ended after {timecode(event.audio_ms)}: {event.reason}", "bold")
            case ReviewFinished():
                self.artifact(event.artifact)

    def artifact(self, artifact_json: dict[str, object]) -> None:
        """Show a review, given as `Artifact.as_json` makes it. What is missing in it is left out."""
        self._clear_partial()
        ArtifactView(self._console, printable).show(artifact_json)

    def _partial(self, event: PartialHeard) -> None:
        if self._live is None:
            return
        name, _ = self._speaker(event.speaker, Role.UNKNOWN)
        text = printable(event.text)
        # One line only: the newest words are the interesting ones, and more lines would make the screen jump.
        room = max(10, self._console.width - _NAME_WIDTH - 10)
        if len(text) > room:
            text = "…" + text[-(room - 1) :]
        line = Text(f"{timecode(event.start_ts):>7} {name:<{_NAME_WIDTH}} {text}", style="dim", no_wrap=True)
        line.truncate(self._console.width)
        self._live.update(line, refresh=True)

    def _utterance(self, event: UtteranceFinished) -> None:
        utterance = event.utterance
        name, style = self._speaker(utterance.speaker, event.role)
        time, words = timecode(utterance.start_ts), printable(utterance.text)
        if self._plain:
            self._print_line(Text(f"{time:>7} {name:<{_NAME_WIDTH}} {words}"))
            return
        self._clear_partial()
        row = Table.grid(padding=(0, 1))
        row.add_column(width=7, justify="right")
        row.add_column(width=_NAME_WIDTH)
        row.add_column(ratio=1, overflow="fold")
        row.add_row(Text(time, style="dim"), Text(name, style=f"bold {style}"), Text(words, style=style))
        self._console.print(row)

    def _role(self, assignment: RoleAssignment) -> None:
        self._roles = self._roles.with_role(assignment)
        if assignment.role is Role.UNKNOWN or assignment.source is RoleSource.NONE:
            self._line("speaker", f"speaker {assignment.speaker_id}: role not known", "dim")
            return
        known_by = assignment.source.value.replace("_", " ")
        self._line(
            "speaker",
            f"speaker {assignment.speaker_id} is the {assignment.role.value} "
            f"(known by {known_by}, confidence {assignment.confidence:.2f})",
            "dim",
        )

    def _noted(self, event: MomentDecided) -> None:
        moment = event.moment
        quote = printable(moment.evidence[0].quote)
        if len(quote) > 60 and not self._plain:
            quote = quote[:59] + "…"
        self._line(
            "noted",
            f"{timecode(moment.evidence[0].start_ts)} {moment.type} {moment.confidence:.2f} "
            f"({moment.reason.value}): “{quote}”",
            "dim",
        )

    def _nudge(self, event: MomentDecided | MomentAhead) -> None:
        moment, latency = event.moment, event.latency
        kind = printable(moment.type)
        figures = f"confidence {moment.confidence:.2f} · {latency.total:.0f} ms after the trigger"
        quotes: list[str] = []
        for evidence in moment.evidence:
            name, _ = self._speaker(evidence.speaker_id, Role.UNKNOWN)
            quotes.append(f"{timecode(evidence.start_ts)} {name}: “{printable(evidence.quote)}”")
        nudge = printable(moment.nudge)
        if self._plain:
            self._print_line(Text(f"  nudge {kind}: {nudge} [{figures}] {' | '.join(quotes)}"))
            return
        self._clear_partial()
        body = Text(nudge, style="bold")
        for quote in quotes:
            body.append(f"\n{quote}", style="not bold dim")
        panel = Panel(
            body,
            title=Text(f"nudge · {kind}", style="bold black on bright_green"),
            title_align="left",
            subtitle=Text(f"{figures} (speech {latency.speech:.0f} + classify {latency.classify:.0f})", style="dim"),
            subtitle_align="right",
            border_style="bright_green",
            width=min(self._console.width - 2, 100) if self._console.width > 30 else None,
        )
        self._console.print(Padding(panel, (0, 0, 0, 2)))

    def _speaker(self, speaker: Speaker, role: Role) -> tuple[str, str]:
        """(the name to show, its colour)"""
        if isinstance(speaker, Unattributed):
            return "unknown", "dim"
        if role is Role.UNKNOWN:
            role = self._roles.role_of(speaker)
        if role is Role.UNKNOWN:
            return f"speaker {speaker}", _SPEAKER_STYLES[speaker % len(_SPEAKER_STYLES)]
        return role.value, _ROLE_STYLES[role]

    def _line(self, kind: str, words: str, style: str) -> None:
        words = printable(words)
        if self._plain:
            self._print_line(Text(f"  {kind} {words}"))
            return
        self._clear_partial()
        row = Table.grid(padding=(0, 1))
        row.add_column(width=7, justify="right")
        row.add_column(ratio=1, overflow="fold")
        row.add_row(Text(kind, style="dim"), Text(words, style=style))
        self._console.print(row)

    def _print_line(self, line: Text) -> None:
        self._console.print(line, soft_wrap=True)

    def _clear_partial(self) -> None:
        if self._live is not None:
            # At once: the old words would be drawn again below whatever is printed next.
            self._live.update(Text(""), refresh=True)

    @property
    def _plain(self) -> bool:
        return not self._console.is_terminal


def printable(words: str) -> str:
    """`words` on one line, without anything that steers a terminal."""
    return " ".join(
        "".join(
            character if character == _JOINER or unicodedata.category(character) not in _HIDDEN else " "
            for character in words
        ).split()
    )
