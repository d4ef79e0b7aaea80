"""The parts of `ridealong bench` that run in this process, as rows of its table."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, cast

import numpy as np

from ridealong.app.bench import classify, review, search, speech
from ridealong.app.bench.measure import Row, percentile
from ridealong.config import Settings
from ridealong.embedding.minilm import load_embedder
from ridealong.live.taxonomy import default_taxonomy
from ridealong.live.train import load_head

TWO_PEOPLE = ("commercial_mono", "katiesteve")
"""The public recordings of two people on one channel."""


def classification() -> list[Row]:
    """Speed of one utterance, and quality on the held-out calls of the repository."""
    reader = load_embedder()
    head = load_head(reader)
    files = sorted(classify.DEFAULT_FOLDER.glob("*.jsonl"))
    judged = [j for path in files for j in classify.judge(classify.read_call(path), reader, head)]
    times = [j.milliseconds for j in judged]
    p50, p99 = percentile(times, 50), percentile(times, 99)
    rows = [
        Row(
            part="classify",
            what="classification of one utterance",
            value=f"p50 {p50:.1f} ms, p95 {percentile(times, 95):.1f} ms, p99 {p99:.1f} ms",
            floor="p99 ≤ 20 ms",
            aim="≤ 3 ms",
            ok=p99 <= 20,
            numbers={"p50_ms": p50, "p99_ms": p99},
        )
    ]
    floors = {t.id: t.floor for t in default_taxonomy().content_types}
    for title, chosen in (("recorded", None), ("sure enough for a nudge", floors)):
        found = classify.scores(judged, chosen)
        macro = float(np.mean([s.f1 for s in found]))
        precision = float(np.mean([s.precision for s in found]))
        rows.append(
            Row(
                part="classify",
                what=f"nine content types on {len(files)} held-out calls, {title}",
                value=f"macro-F1 {macro:.2f}, mean precision {precision:.2f}",
                numbers={"macro_f1": macro, "precision": precision},
            )
        )
    return rows


def hearing() -> list[Row]:
    """Speakers, words and speed of the local transcriber on the public recordings."""
    folder = Path(os.environ.get("RIDEALONG_SHARED_DATA", "../shared/data"))
    if not (folder / "audio").is_dir():
        return [
            Row(part="speech", what="local speech", value="not measured: set RIDEALONG_SHARED_DATA to the recordings")
        ]
    found = speech.run(folder)
    rows: list[Row] = []
    for row in found:
        if "recording" not in row:
            continue
        name, two = row["recording"], row["recording"] in TWO_PEOPLE
        shown = {k: v for k, v in row.items() if k in ("confusion", "der", "wer", "cpwer", "real_time_factor")}
        rows.append(
            Row(
                part="speech",
                what=f"{name}: confusion / DER / WER / cpWER / real-time factor",
                value=", ".join(f"{k} {v:.3f}" for k, v in shown.items()),
                floor="confusion ≤ 5%, DER ≤ 20%, factor ≤ 0.35" if two else "",
                aim="≤ 1%, ≤ 10%, ≤ 0.15" if two else "",
                ok=shown["confusion"] <= 0.05 and shown["der"] <= 0.20 and shown["real_time_factor"] <= 0.35
                if two
                else None,
                numbers=shown,
            )
        )
    rows += _overlap([row for row in found if "overlap_s" in row])
    rows += _held_out(speech.held_out(folder))
    last = found[-1]
    if "final_ms_p50" in last:
        rows.append(
            Row(
                part="speech",
                what="end of words → final, real pace: 1 call; 3 at once; 8 at once",
                value="; ".join(
                    f"p50 {last[f'{key}final_ms_p50'] / 1000:.2f} s p95 {last[f'{key}final_ms_p95'] / 1000:.2f} s"
                    for key in ("", "three_calls_", "eight_calls_")
                ),
                floor="3 calls",
                aim="8 calls",
                ok=last["three_calls_final_ms_p95"] <= 1500,
                numbers={k: float(v) for k, v in last.items() if isinstance(v, int | float)},
            )
        )
    return rows


def _overlap(found: list[dict[str, Any]]) -> list[Row]:
    """Talking at once, over the recordings whose reference knows it; and what is marked where nobody does."""
    meetings = [row for row in found if row["overlap_s"] > 0]
    if not meetings:
        return []
    truth, marked, right = (
        float(sum(row[key] for row in meetings)) for key in ("overlap_s", "overlap_marked_s", "overlap_found_s")
    )
    false = float(sum(row["overlap_marked_s"] for row in found if row["recording"] in TWO_PEOPLE))
    return [
        Row(
            part="speech",
            what=f"two at once, {len(meetings)} meeting excerpts; false on the two-person calls",
            value=f"marked {marked:.1f} s, {right:.1f} s of it right, of {truth:.1f} s; false {false:.1f} s",
            floor="of what is marked, 60% right",
            ok=right >= 0.6 * marked,
            numbers={"truth_s": truth, "marked_s": marked, "right_s": right, "two_person_false_s": false},
        )
    ]


def _held_out(found: list[dict[str, Any]]) -> list[Row]:
    """Calls put together from single voices: each, then all."""
    if not found:
        return []
    rows = [
        Row(
            part="speech",
            what=f"speech held-out, {row['held_out']}: confusion / DER / speakers",
            value=f"{row['confusion']:.3f}, {row['der']:.3f}, {row['speakers']}",
            numbers={key: float(row[key]) for key in ("confusion", "der", "speakers", "overlap_marked_s")},
        )
        for row in found
    ]
    mean, worst = (float(f([row["confusion"] for row in found])) for f in (np.mean, np.max))
    rows.append(
        Row(
            part="speech",
            what=f"speech held-out, {len(found)} made calls: mean and worst confusion, mean DER",
            value=f"{mean:.3f}, {worst:.3f}, {float(np.mean([row['der'] for row in found])):.3f}",
            floor="mean confusion ≤ 5%",
            aim="≤ 1%",
            ok=mean <= 0.05,
            numbers={"confusion": mean, "worst_confusion": worst},
        )
    )
    return rows


def artifact() -> list[Row]:
    """The review of a written 60-minute call, pipeline and database included."""
    found = cast("dict[str, Any]", asyncio.run(review.measure(60.0, 5)))
    stored, fresh = found["artifact_s"], found["artifact_without_stored_embeddings_s"]
    return [
        Row(
            part="review",
            what=f"artifact of a 60-minute call ({found['utterances']} utterances), local reviewer",
            value=f"p50 {stored['p50']:.1f} s, p95 {stored['p95']:.1f} s; "
            f"where embeddings are not stored yet p50 {fresh['p50']:.1f} s",
            floor="≤ 5 s",
            aim="≤ 2 s",
            ok=stored["p95"] <= 5,
            numbers={"p50_s": stored["p50"], "p95_s": stored["p95"], "fresh_p50_s": fresh["p50"]},
        )
    ]


def searching() -> list[Row]:
    """Hybrid search over 200,000 utterances of one tenant among others."""
    folder = Path(tempfile.mkdtemp(prefix="ridealong-bench-"))
    try:
        found = cast("dict[str, Any]", asyncio.run(search.measure(Settings(data_dir=folder), 200_000, 100)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return [
        Row(
            part="search",
            what=f"hybrid search, a tenant of {seen['utterances']:,} utterances",
            value=f"p50 {seen['p50_ms']:.0f} ms, p95 {seen['p95_ms']:.0f} ms",
            floor="p95 ≤ 150 ms",
            aim="p95 ≤ 30 ms",
            ok=seen["p95_ms"] <= 150,
            numbers={"p50_ms": seen["p50_ms"], "p95_ms": seen["p95_ms"]},
        )
        for seen in found["tenants"].values()
    ]
