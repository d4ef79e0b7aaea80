"""An evaluation as one HTML page: no script, no request to anywhere, plots as inline SVG."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from ridealong.app.evaluation.report import figure, heading, summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ridealong.app.evaluation.measures import Evaluation, Mistake, Reliability, TypeScore

_STYLE: Final = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1d2433;background:#fff}
table{border-collapse:collapse;margin:1rem 0}td,th{padding:.25rem .75rem;text-align:left;border-bottom:1px solid #dde}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
.plots{display:flex;flex-wrap:wrap;gap:2rem}figure{margin:0}.wide{overflow-x:auto}svg{max-width:100%;height:auto}figcaption{font-size:.9rem;color:#556}
svg text{font:12px system-ui,sans-serif;fill:currentColor}
article{border-left:3px solid #99a;padding:.1rem 1rem;margin:1rem 0}article p{margin:.2rem 0}
.before{color:#667}.kind{font-weight:600}
@media (prefers-color-scheme:dark){body{background:#12151c;color:#e3e6ee}.before,figcaption{color:#9aa}
td,th{border-color:#333b4a}}
"""
_SIDE: Final = 260
_EDGE: Final = 44


def page(evaluation: Evaluation) -> str:
    """The whole page. What people said is escaped."""
    rows = "".join(_type_row(score) for score in evaluation.types)
    facts = "".join(f"<tr><th>{escape(what)}</th><td>{escape(value)}</td></tr>" for what, value in summary(evaluation))
    mistakes = "".join(_mistake(mistake) for mistake in evaluation.worst) or "<p>None.</p>"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        'content="width=device-width,initial-scale=1"><title>Moments: how well they are judged</title>'
        f"<style>{_STYLE}</style></head><body><h1>Moments: how well they are judged</h1>"
        f"<p>{escape(heading(evaluation))}</p><table>{facts}</table>"
        '<h2>By type</h2><div class="wide"><table><tr><th>type</th><th class="n">precision</th>'
        '<th class="n">recall</th><th class="n">F1</th><th class="n">95%</th><th class="n">true</th>'
        '<th class="n">found</th></tr>'
        f'{rows}</table></div><h2>Plots</h2><div class="plots">'
        f"{_bars(evaluation.types)}"
        f"{_diagram(evaluation.recorded_reliability, 'Recorded moments: confidence and how often right')}"
        f"{_diagram(evaluation.judgement_reliability, 'All judgements, also those that nothing is there')}"
        f"</div><h2>The worst mistakes</h2>{mistakes}</body></html>\n"
    )


def _type_row(score: TypeScore) -> str:
    cells = (
        figure(score.precision),
        figure(score.recall),
        figure(score.f1),
        "–" if score.f1 is None else f"{figure(score.f1_low)} to {figure(score.f1_high)}",
        str(score.support),
        str(score.found),
    )
    return f"<tr><td>{escape(score.type)}</td>" + "".join(f'<td class="n">{cell}</td>' for cell in cells) + "</tr>"


def _bars(scores: Sequence[TypeScore]) -> str:
    """F1 of each type with its interval."""
    name_width, bar_width, step = 170, 220, 22
    parts: list[str] = []
    for number, score in enumerate(scores):
        y = 8 + number * step
        parts.append(f'<text x="{name_width - 8}" y="{y + 11}" text-anchor="end">{escape(score.type)}</text>')
        if score.f1 is None or score.f1_low is None or score.f1_high is None:
            parts.append(f'<text x="{name_width + 2}" y="{y + 11}">never there, never found</text>')
            continue
        low, high = (name_width + bar_width * value for value in (score.f1_low, score.f1_high))
        parts.append(
            f'<rect x="{name_width}" y="{y}" width="{bar_width * score.f1:.1f}" height="14" fill="#4a7fd6"/>'
            f'<path d="M{low:.1f} {y + 7}H{high:.1f}M{low:.1f} {y + 3}v8M{high:.1f} {y + 3}v8" '
            'stroke="currentColor" fill="none"/>'
        )
    height = 16 + len(scores) * step
    return (
        f'<figure><svg viewBox="0 0 {name_width + bar_width + 12} {height}" '
        f'width="{name_width + bar_width + 12}" role="img" '
        f'aria-label="F1 by type">{"".join(parts)}</svg><figcaption>F1 by type, 95% intervals</figcaption></figure>'
    )


def _diagram(found: Reliability, title: str) -> str:
    """A reliability diagram: bars where the confidence lies, at the height of the share that was right."""
    most = max((b.count for b in found.bins), default=0) or 1
    parts = [
        f'<path d="M{_EDGE} 8V{_SIDE + 8}H{_EDGE + _SIDE}" stroke="currentColor" fill="none"/>',
        f'<path d="M{_EDGE} {_SIDE + 8}L{_EDGE + _SIDE} 8" stroke="#999" stroke-dasharray="4" fill="none"/>',
    ]
    for mark in (0.0, 0.5, 1.0):
        at = _SIDE * mark
        parts.append(f'<text x="{_EDGE - 6}" y="{_SIDE + 12 - at:.0f}" text-anchor="end">{mark:.1f}</text>')
        parts.append(f'<text x="{_EDGE + at:.0f}" y="{_SIDE + 26}" text-anchor="middle">{mark:.1f}</text>')
    middle = _SIDE / 2 + 8
    parts.append(f'<text x="{_EDGE + _SIDE / 2}" y="{_SIDE + 46}" text-anchor="middle">how sure</text>')
    turned = f'text-anchor="middle" transform="rotate(-90 12 {middle})"'
    parts.append(f'<text x="12" y="{middle}" {turned}>how often right</text>')
    for part in found.bins:
        if not part.count:
            continue
        x, y = _EDGE + _SIDE * part.confidence, _SIDE + 8 - _SIDE * part.right
        radius = 3 + 9 * (part.count / most) ** 0.5
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="#4a7fd6" fill-opacity="0.8">'
            f"<title>{part.count} judged, confidence {part.confidence:.2f}, right {part.right:.2f}</title></circle>"
        )
    return (
        f'<figure><svg viewBox="0 0 {_EDGE + _SIDE + 16} {_SIDE + 54}" width="{_EDGE + _SIDE + 16}" role="img" '
        f'aria-label="{escape(title)}">'
        f"{''.join(parts)}</svg><figcaption>{escape(title)}; ECE {found.ece:.3f}, {found.count} judged; "
        "the larger the dot, the more of them</figcaption></figure>"
    )


def _mistake(mistake: Mistake) -> str:
    truth = " and ".join(mistake.truth) or "nothing"
    before = "".join(f'<p class="before">{escape(who)}: {escape(text)}</p>' for who, text in mistake.before)
    return (
        f'<article><p><span class="kind">{escape(mistake.kind)}</span>: {escape(mistake.type)} at '
        f"{mistake.confidence:.2f}, true: {escape(truth)} ({escape(mistake.call)}, utterance {mistake.no})</p>"
        f"{before}<p>{escape(mistake.speaker)}: <strong>{escape(mistake.text)}</strong></p></article>"
    )
