"""Speak the sample call: script in, audio and its exact transcript out.

    .venv/bin/python tools/make_sample_call.py [--two-channels OUT.opus]

Needs espeak-ng, at authoring time only: what it writes is committed. The same espeak-ng gives the same call, because
the variation of the voices and the noise are seeded.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import soxr
from ruamel.yaml import YAML

FOLDER = Path(__file__).parent.parent / "src" / "ridealong" / "sample"
RATE = 16_000
ESPEAK_RATE = 22_050
SPEECH_RMS = 0.07
NOISE_RMS = 10 ** (-60 / 20)
"""About 37 dB below the speech: a quiet room, so that no pause is digitally silent."""
BITS_PER_SECOND = 40_000
TAIL_MS = 900


@dataclass(frozen=True, kw_only=True)
class Spoken:
    turn: dict[str, Any]
    start: int
    """Sample at which the voice begins."""
    samples: np.ndarray

    @property
    def end(self) -> int:
        return self.start + len(self.samples)


def speak(text: str, voice: dict[str, Any], variation: np.random.Generator) -> np.ndarray:
    """The text as 16 kHz samples, without the silence that the synthesiser puts around it."""
    tract = float(voice["tract"])
    # People do not say every sentence at the same pitch and pace; more than this and the voice sounds like another.
    pitch = int(voice["pitch"]) + int(variation.integers(-4, 5))
    speed = round(int(voice["speed"]) * float(variation.uniform(0.95, 1.06)) / tract)
    command = ["espeak-ng", "-v", str(voice["voice"]), "-p", str(pitch), "-s", str(speed), "--stdout", text]
    wav = subprocess.run(command, capture_output=True, check=True).stdout
    raw = np.frombuffer(wav[44:], dtype="<i2").astype(np.float32) / 32768
    # Played faster or slower, pace corrected above: what remains is a shorter or longer vocal tract.
    heard = soxr.resample(raw, ESPEAK_RATE * tract, RATE).astype(np.float32)
    hop = RATE // 100
    frames = heard[: len(heard) // hop * hop].reshape(-1, hop)
    loud = np.flatnonzero(np.sqrt((frames**2).mean(axis=1)) > 0.01 * np.abs(heard).max())
    heard = heard[loud[0] * hop : (loud[-1] + 1) * hop]
    return heard * (SPEECH_RMS / float(np.sqrt((heard**2).mean())))


def perform(script: dict[str, Any]) -> list[Spoken]:
    spoken: list[Spoken] = []
    end = 0
    for turn in script["turns"]:
        variation = np.random.default_rng(turn["take"])
        gap = turn.get("gap_ms", script["default_gap_ms"]) * RATE // 1000
        samples = speak(turn.get("spoken", turn["text"]), script["voices"][turn["role"]], variation)
        spoken.append(Spoken(turn=turn, start=end + gap, samples=samples))
        end = max(end, spoken[-1].end)
    return spoken


def mix(spoken: list[Spoken], roles: tuple[str, ...]) -> np.ndarray:
    """What a microphone hears of these roles: int16 samples."""
    length = max(s.end for s in spoken) + TAIL_MS * RATE // 1000
    heard = np.random.default_rng(12).normal(0, NOISE_RMS, length).astype(np.float32)
    for part in spoken:
        if part.turn["role"] in roles:
            heard[part.start : part.end] += part.samples
    return np.clip(heard * 32767, -32768, 32767).astype(np.int16)


def write_opus(path: Path, channels: list[np.ndarray]) -> None:
    with av.open(str(path), "w", format="ogg", options={"fflags": "+bitexact"}) as container:
        layout = "mono" if len(channels) == 1 else "stereo"
        stream = container.add_stream("libopus", rate=RATE, layout=layout)
        stream.bit_rate = BITS_PER_SECOND * len(channels)
        stream.options = {"application": "audio", "vbr": "on"}
        interleaved = np.stack(channels, axis=1).reshape(1, -1)
        step = RATE // 50 * len(channels)
        for at in range(0, interleaved.shape[1], step):
            frame = av.AudioFrame.from_ndarray(interleaved[:, at : at + step], format="s16", layout=layout)
            frame.sample_rate = RATE
            frame.pts = at // len(channels)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def write_transcript(path: Path, script: dict[str, Any], spoken: list[Spoken]) -> None:
    """The truth in the form that `ridealong coach --transcript` reads, in order of start."""
    header = {
        "call": script["call"],
        "title": script["title"],
        "rep_speaker": 0,
        "audio_ms": (max(s.end for s in spoken) * 1000 // RATE) + TAIL_MS,
    }
    lines: list[dict[str, Any]] = [header]
    for no, part in enumerate(sorted(spoken, key=lambda s: s.start)):
        lines.append(
            {
                "no": no,
                "speaker": 0 if part.turn["role"] == "rep" else 1,
                "start_ts": round(part.start * 1000 / RATE),
                "end_ts": round(part.end * 1000 / RATE),
                "text": str(part.turn["text"]),
                "moments": [{"type": str(kind)} for kind in part.turn.get("moments", [])],
            }
        )
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument(
        "--two-channels", type=Path, help="also write the call with the rep left, the customer right"
    )
    arguments.add_argument("--folder", type=Path, default=FOLDER, help="where script, audio and transcript lie")
    options = arguments.parse_args()
    if shutil.which("espeak-ng") is None:
        sys.exit("espeak-ng is missing: apt-get install espeak-ng")
    script: dict[str, Any] = YAML(typ="safe").load(options.folder / "call.script.yaml")
    spoken = perform(script)
    write_opus(options.folder / "call.opus", [mix(spoken, ("rep", "customer"))])
    write_transcript(options.folder / "call.jsonl", script, spoken)
    if options.two_channels:
        write_opus(options.two_channels, [mix(spoken, ("rep",)), mix(spoken, ("customer",))])
    seconds = max(s.end for s in spoken) / RATE
    size = (options.folder / "call.opus").stat().st_size
    print(f"{len(spoken)} utterances, {seconds:.1f} s, {size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
