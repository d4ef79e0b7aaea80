"""How well and how fast the local transcriber hears: `python -m ridealong.app.bench.speech [shared data folder]`.

Speakers by pyannote.metrics (collar 0.25 s on each side of a boundary, as in the telephone evaluations), words by
jiwer and meeteval after lower-casing and dropping punctuation. All figures are of the streamed, final labels.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import re
import resource
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ridealong.app.bench.heldout import Turn, made_calls, read_turns
from ridealong.core.transcript import Utterance
from ridealong.speech import Audio, Hearing, SpokenWord, Words
from ridealong.speech.assemble import Assembler
from ridealong.speech.audio import read_recording
from ridealong.speech.providers.local import LocalTranscriber

_TURNS: Final = Path(__file__).parent / "turns"
"""Turn times of the two calls that come with words only; how they were made stands at their top."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Transcribed:
    """Everything final that was heard of a recording."""

    utterances: tuple[Utterance, ...]
    words: tuple[SpokenWord, ...]


def run(shared_data: Path) -> list[dict[str, Any]]:
    """One row per recording in `shared_data/audio`, then one for speed, calls at once, latency and memory."""
    folder = shared_data / "audio"
    return asyncio.run(_run(folder, sorted([*folder.glob("*.wav"), *folder.glob("*.flac")])))


async def _run(folder: Path, paths: Sequence[Path]) -> list[dict[str, Any]]:
    transcriber = LocalTranscriber()
    await transcriber.warm()
    rows: list[dict[str, Any]] = []
    for path in paths:
        samples = read_recording(path).samples
        began, cpu = time.perf_counter(), time.process_time()
        heard = await hear(transcriber, samples)
        seconds = samples.shape[0] / 16_000
        row: dict[str, Any] = {"recording": path.stem, "audio_s": round(seconds, 1)}
        row["real_time_factor"] = round((time.perf_counter() - began) / seconds, 3)
        row["cpu_factor"] = round((time.process_time() - cpu) / seconds, 3)
        turns = _turns_of(path)
        row |= speaker_errors(turns, heard.utterances, seconds)
        row |= overlap_errors(turns, heard.words, seconds)
        row |= word_errors(path.with_name(f"{path.stem}.reference.txt"), heard.utterances)
        rows.append(row)
    call = folder / "commercial_mono.wav"
    if call in paths:
        rows.append(await speed(transcriber, read_recording(call).samples))
    await transcriber.close()
    return rows


def held_out(shared_data: Path) -> list[dict[str, Any]]:
    """One row per call of `heldout.made_calls`: speakers and overlap (there is none: all that is marked is false)."""
    return asyncio.run(_held_out(shared_data / "audio"))


async def _held_out(folder: Path) -> list[dict[str, Any]]:
    transcriber = LocalTranscriber()
    rows: list[dict[str, Any]] = []
    for call in made_calls(folder):
        heard = await hear(transcriber, call.samples[:, np.newaxis])
        seconds = call.samples.shape[0] / 16_000
        row: dict[str, Any] = {"held_out": call.name, "audio_s": round(seconds, 1)}
        row |= speaker_errors(call.turns, heard.utterances, seconds)
        row |= overlap_errors(call.turns, heard.words, seconds)
        rows.append(row)
    await transcriber.close()
    return rows


async def hear(transcriber: LocalTranscriber, samples: Any) -> Transcribed:
    assembler = Assembler()
    made: list[Utterance] = []
    words: list[SpokenWord] = []
    async for event in transcriber.hear(_pieces(samples), Hearing()):
        made += assembler.feed(event)
        if isinstance(event, Words):
            words += event.words
    return Transcribed(utterances=(*made, *assembler.flush()), words=tuple(words))


async def _pieces(samples: Any, *, began: float | None = None) -> AsyncIterator[Audio]:
    """Pieces of 100 ms; with `began` (monotonic) at real pace."""
    for at in range(0, samples.shape[0], 1_600):
        if began is not None:
            await asyncio.sleep(max(0.0, began + (at + 1_600) / 16_000 - time.monotonic()))
        yield Audio(start_ts=at // 16, samples=samples[at : at + 1_600])


async def speed(transcriber: LocalTranscriber, samples: Any) -> dict[str, Any]:
    """Real pace: latency of finals with one call and with eight, and what each further call costs in memory."""
    row: dict[str, Any] = {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    }
    latencies = await _latencies(transcriber, samples)
    row["final_ms_p50"], row["final_ms_p95"] = (round(float(np.percentile(latencies, q))) for q in (50, 95))
    before = _resident_mb()
    for name, count in (("three", 3), ("eight", 8)):
        cpu = time.process_time()
        many = [
            x
            for found in await asyncio.gather(*(_latencies(transcriber, samples) for _ in range(count)))
            for x in found
        ]
        row[f"{name}_calls_final_ms_p50"], row[f"{name}_calls_final_ms_p95"] = (
            round(float(np.percentile(many, q))) for q in (50, 95)
        )
    row["eight_calls_cpu_factor_each"] = round((time.process_time() - cpu) / 8 / (samples.shape[0] / 16_000), 3)
    row["memory_mb_per_further_call"] = round((_resident_mb() - before) / 7, 1)
    return row


async def _latencies(transcriber: LocalTranscriber, samples: Any) -> list[float]:
    """Milliseconds from the end of each final's last word to its arrival."""
    began = time.monotonic()
    return [
        (time.monotonic() - began) * 1000 - event.words[-1].end_ts
        async for event in transcriber.hear(_pieces(samples, began=began), Hearing())
        if isinstance(event, Words)
    ]


def _resident_mb() -> float:
    statm = Path("/proc/self/statm")
    if statm.is_file():
        return int(statm.read_text().split()[1]) * resource.getpagesize() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _turns_of(path: Path) -> list[Turn]:
    for rttm in (path.with_suffix(".rttm"), _TURNS / f"{path.stem}.rttm"):
        if rttm.is_file():
            return read_turns(rttm)
    return []


def overlap_errors(turns: Sequence[Turn], words: Sequence[SpokenWord], seconds: float) -> dict[str, Any]:
    """Seconds in which two speak, in which words are marked so, and both, counted in 10 ms; no collar."""
    if not turns:
        return {}
    count = int(seconds * 100) + 1
    speaking = {speaker: np.zeros(count, dtype=np.bool_) for speaker, _, _ in turns}
    for speaker, start, end in turns:
        speaking[speaker][round(start * 100) : round(end * 100)] = True
    both = np.sum(list(speaking.values()), axis=0) > 1
    marked = np.zeros(count, dtype=np.bool_)
    for word in words:
        if word.overlapped:
            marked[word.start_ts // 10 : word.end_ts // 10] = True
    return {
        "overlap_s": round(float(both.sum()) / 100, 2),
        "overlap_marked_s": round(float(marked.sum()) / 100, 2),
        "overlap_found_s": round(float((both & marked).sum()) / 100, 2),
    }


def speaker_errors(turns: Sequence[Turn], heard: Sequence[Utterance], seconds: float) -> dict[str, Any]:
    if not turns:
        return {}
    from pyannote.core import Annotation, Segment, Timeline  # noqa: PLC0415  # a developer's dependency
    from pyannote.metrics.diarization import DiarizationErrorRate  # noqa: PLC0415

    reference: Any = Annotation()
    for index, (speaker, start, end) in enumerate(turns):
        reference[Segment(start, end), index] = speaker
    found: Any = Annotation()
    for utterance in heard:
        if isinstance(utterance.speaker, int):
            found[Segment(utterance.start_ts / 1000, utterance.end_ts / 1000), utterance.no] = utterance.speaker
    # pyannote's collar is the whole width around a boundary.
    metric: Any = DiarizationErrorRate(collar=0.5)
    parts: Any = metric(reference, found, detailed=True, uem=Timeline([Segment(0, seconds)]))
    total = float(parts["total"]) or 1.0
    return {
        "speakers": len(found.labels()),
        "reference_speakers": len(reference.labels()),
        "der": round(float(parts["diarization error rate"]), 3),
        "confusion": round(float(parts["confusion"]) / total, 3),
    }


def word_errors(path: Path, heard: Sequence[Utterance]) -> dict[str, Any]:
    if not path.is_file():
        return {}
    import jiwer  # noqa: PLC0415  # a developer's dependency
    import meeteval  # noqa: PLC0415

    lines = [line.split(":", 1) for line in path.read_text().splitlines() if line and not line.startswith("#")]
    by_speaker: dict[str, list[str]] = {}
    for speaker, text in lines:
        by_speaker.setdefault(speaker, []).append(_plain(text))
    found: dict[str, list[str]] = {}
    for utterance in heard:
        found.setdefault(str(utterance.speaker), []).append(_plain(utterance.text))
    wer: Any = jiwer.wer(" ".join(_plain(text) for _, text in lines), " ".join(_plain(u.text) for u in heard))
    said: Any = [" ".join(texts) for texts in by_speaker.values()]
    written: Any = [" ".join(texts) for texts in found.values()]
    cpwer: Any = meeteval.wer.cp_word_error_rate(said, written)
    return {"wer": round(float(wer), 3), "cpwer": round(float(cpwer.error_rate), 3)}


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^\w\s']", " ", text.lower().replace("-", " ")).split())


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("RIDEALONG_SHARED_DATA", "../shared/data"))
    if not (folder / "audio").is_dir():
        sys.exit(f"there are no recordings in {folder / 'audio'}: name the folder of the public recordings")
    for row in [*run(folder), *held_out(folder)]:
        sys.stdout.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
