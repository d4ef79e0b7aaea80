"""A review in a terminal: sections with bars, findings and coaching moments with their quotes, the statistics."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, cast

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from ridealong.core.outdated import SENTENCES

_BAR_CELLS: Final = 20


class ArtifactView:
    """Prints what `Artifact.as_json` made. Its shape is not trusted: what is missing or of another kind is left out.

    `text` makes a string fit for the terminal (see `terminal.printable`).
    """

    def __init__(self, console: Console, text: Callable[[str], str]) -> None:
        self._console = console
        self._text = text
        self._plain = not console.is_terminal
        self._names: dict[float, str] = {}

    def show(self, artifact: Mapping[str, object]) -> None:
        for speaker in _mappings(artifact.get("speakers")):
            number, role = _number(speaker, "speaker_id"), _word(speaker, "role")
            if number is not None and role != "unknown":
                self._names[number] = role
        self._heading(artifact)
        for section in _mappings(artifact.get("sections")):
            self._section(section)
        coaching = list(_mappings(artifact.get("coaching_moments")))
        if coaching:
            self._rule("Worth replaying")
        for moment in coaching:
            self._statement(_word(moment, "title"), moment)
            advice = _word(moment, "advice")
            if advice:
                self._indented(Text(self._text(f"→ {advice}"), style="green"), 4)
        self._statistics(artifact.get("statistics"))
        self._closing(artifact)

    def _heading(self, artifact: Mapping[str, object]) -> None:
        rubric = artifact.get("rubric")
        rubric_title = _word(cast("Mapping[str, object]", rubric), "title") if isinstance(rubric, Mapping) else ""
        self._rule(_word(artifact, "title") or "Review")
        score = _number(artifact, "score")
        scored = "not assessed: the call holds nothing to score" if score is None else f"{score:.0f} of 100"
        parts = [scored, rubric_title, _clock(_number(artifact, "duration_ms")), _word(artifact, "reviewer")]
        self._print(Text(self._text(" · ".join(p for p in parts if p)), style="bold"))

    def _section(self, section: Mapping[str, object]) -> None:
        title = _word(section, "title") or _word(section, "section_id")
        score, confidence = _number(section, "score") or 0.0, _number(section, "confidence") or 0.0
        findings = list(_mappings(section.get("findings")))
        assessed = _number(section, "score") is not None
        figures = f"{score:.0f} of 100, confidence {confidence:.2f}" if assessed else "not assessed"
        if self._plain:
            self._print(Text(self._text(f"{title}: {figures}"), style="bold"))
        else:
            self._print(Text(""))
            self._print(Text(self._text(title), style="bold"))
            self._print(Text.assemble(self._bar(score, assessed), " ", (figures, "dim")))
        for finding in findings:
            self._statement(_word(finding, "score"), finding)
        not_assessed = _words(section.get("not_assessed"))
        if not_assessed:
            self._indented(Text(self._text(f"no evidence either way: {', '.join(not_assessed)}"), style="dim"), 2)
        for left in _mappings(section.get("not_applicable")):
            why = f"not applicable: {_word(left, 'criterion_id')} ({_word(left, 'reason')})"
            self._indented(Text(self._text(why), style="dim"), 2)

    def _bar(self, score: float, assessed: bool) -> Text:
        full, empty = ("#", ".") if self._console.options.ascii_only else ("█", "░")
        cells = min(_BAR_CELLS, max(0, round(score / 100 * _BAR_CELLS))) if assessed else 0
        style = "green" if score >= 70 else "yellow" if score >= 40 else "red"
        return Text.assemble((full * cells, style), (empty * (_BAR_CELLS - cells), "dim"))

    def _statement(self, label: str, claim: Mapping[str, object]) -> None:
        confidence = _number(claim, "confidence")
        line = Text()
        if label:
            line.append(f"{self._text(label)}: ", style=_LABEL_STYLES.get(label, "bold"))
        line.append(self._text(_word(claim, "statement")))
        if confidence is not None:
            words = self._text(_word(claim, "confidence_words"))
            line.append(f" ({words}, {confidence:.2f})" if words else f" ({confidence:.2f})", style="dim")
        self._indented(line, 2)
        for doubt in _words(claim.get("doubts")):
            self._indented(Text(self._text(f"! {doubt}"), style="yellow"), 4)
        for evidence in _mappings(claim.get("evidence")):
            speaker = _number(evidence, "speaker_id")
            who = "" if speaker is None else " " + self._names.get(speaker, f"speaker {speaker:.0f}")
            quote = self._text(f"{_clock(_number(evidence, 'start_ts'))}{who}: “{_word(evidence, 'quote')}”")
            self._indented(Text(quote, style="dim"), 4)

    def _statistics(self, statistics: object) -> None:
        if not isinstance(statistics, Mapping):
            return
        found = cast("Mapping[str, object]", statistics)
        values = found.get("values", found)
        if not isinstance(values, Mapping):
            return
        shown = [
            (name, written)
            for name, value in cast("Mapping[str, object]", values).items()
            if (written := _written(name, value)) is not None
        ]
        if not shown:
            return
        self._rule("Statistics")
        if self._plain:
            for name, written in shown:
                self._print(Text(f"  {self._text(_label(name))}: {written}"))
            return
        # Two pairs a row from 70 columns on.
        pairs = 2 if self._console.width >= 70 else 1
        table = Table.grid(padding=(0, 2))
        for _ in range(pairs):
            table.add_column(style="dim", overflow="fold", max_width=28)
            table.add_column(justify="right")
        half = -(-len(shown) // pairs)
        for index in range(half):
            cells: list[Text] = []
            for name, written in shown[index::half]:
                cells += [Text(self._text(_label(name))), Text(self._text(written))]
            table.add_row(*cells)
        self._console.print(Padding(table, (0, 0, 0, 2)))

    def _closing(self, artifact: Mapping[str, object]) -> None:
        missing = _words(artifact.get("missing_sections"))
        if missing:
            self._print(
                Text(self._text(f"could not be scored, and not part of the score: {', '.join(missing)}"), "red")
            )
        dropped = _number(artifact, "dropped_drafts")
        if dropped:
            self._print(Text(f"{dropped:.0f} statements were dropped because nothing said proved them", style="dim"))
        removed, lowered = _number(artifact, "removed_claims"), _number(artifact, "lowered_claims")
        if removed or lowered:
            said = f"on a second reading {removed or 0:.0f} statements were removed, {lowered or 0:.0f} made less sure"
            self._print(Text(said, style="dim"))
        for reason in _words(artifact.get("outdated")):
            self._print(Text(self._text(f"outdated: {_OUTDATED.get(reason, reason)}"), style="red"))
        for warning in _words(artifact.get("warnings")):
            self._print(Text(self._text(f"warning: {warning}"), style="red"))

    def _rule(self, title: str) -> None:
        if self._plain:
            self._print(Text(self._text(f"== {title} ==")))
        else:
            self._console.print(Rule(Text(self._text(title), style="bold"), align="left"))

    def _indented(self, line: Text, by: int) -> None:
        if self._plain:
            self._print(Text(" " * by) + line)
        else:
            self._console.print(Padding(line, (0, 0, 0, by)))

    def _print(self, line: Text) -> None:
        self._console.print(line, soft_wrap=self._plain)


_OUTDATED: Final = {reason.value: sentence for reason, sentence in SENTENCES.items()}
_LABEL_STYLES: Final = {"yes": "bold green", "partly": "bold yellow", "no": "bold red"}


def _label(name: str) -> str:
    for unit in ("_ms", "_per_min", "_wpm"):
        name = name.removesuffix(unit)
    return name.replace("_", " ")


def _written(name: str, value: object) -> str | None:
    """The value with the unit that its name ends in; None where it is nothing that fits one cell."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if name.endswith("_ms"):
        return f"{value / 1000:.1f} s" if abs(value) < 60_000 else _clock(value)
    if name.startswith(("talk_ratio", "share_")):
        return f"{value:.0%}"
    if name.endswith("_per_min"):
        return f"{value:.1f} / min"
    if name.endswith("_wpm"):
        return f"{value:.0f} words / min"
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def timecode(milliseconds: float) -> str:
    """Call time as a player shows it: `m:ss`, from one hour on `h:mm:ss`."""
    seconds = max(0, int(milliseconds)) // 1000
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes}:{seconds % 60:02}"


def _clock(milliseconds: float | None) -> str:
    return "" if milliseconds is None else timecode(milliseconds)


def _mappings(value: object) -> Iterator[Mapping[str, object]]:
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        for item in cast("Sequence[object]", value):
            if isinstance(item, Mapping):
                yield cast("Mapping[str, object]", item)


def _words(value: object) -> list[str]:
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [item for item in cast("Sequence[object]", value) if isinstance(item, str)]
    return []


def _word(holder: Mapping[str, object], key: str) -> str:
    value = holder.get(key)
    return value if isinstance(value, str) else ""


def _number(holder: Mapping[str, object], key: str) -> float | None:
    value = holder.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
