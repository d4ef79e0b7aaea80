"""Fit the model that hears two people at once, and write `src/ridealong/speech/overlap.json`.

    .venv/bin/python tools/train_overlap.py [--stretches N]

Needs espeak-ng, at authoring time only. Mixtures are made of single voices, so that who speaks when is known by
construction: voices of espeak-ng, and the two readings inside moonshine-voice, played slower and faster for more
voices (that moves pitch and formants together, like a longer or shorter vocal tract). Some are heard through a room,
some through a telephone, at many levels. No recording of a conversation is used.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import soxr
from scipy.signal import fftconvolve
from sklearn.linear_model import LogisticRegression

from ridealong.speech.audio import read_recording
from ridealong.speech.overlap import smoothed
from ridealong.speech.recognize import Recognizer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mono = NDArray[np.float32]

OUT: Final = Path(__file__).parent.parent / "src" / "ridealong" / "speech" / "overlap.json"
EXAMPLES: Final = Path(__file__).parent.parent / "src" / "ridealong" / "live" / "examples" / "moments.jsonl"
RATE: Final = 16_000
ESPEAK_RATE: Final = 22_050
SPEECH_RMS: Final = 0.07
HOP: Final = 256
VOICED: Final = 0.004
"""Level (rms of 16 ms) from which a single clean voice counts as speaking."""
EVERY: Final = 6
"""Neighbouring states say the same: every sixth is enough to fit on."""
THRESHOLD: Final = 0.0
"""Logit from which a state counts as overlapped; chosen on voices that are not in the fit, see the decision page."""
ESPEAK: Final = (
    "en-us",
    "en-us+f2",
    "en-us+m3",
    "en-us+f4",
    "en-us+m7",
    "en-us+f5",
    "en-gb-x-rp",
    "en-gb-x-rp+f3",
    "en-gb-scotland",
    "en-us+rob",
    "en-us+steph",
    "en-gb+m5",
    "en-us+Annie",
    "en-us+Michael",
    "en-gb-x-gbclan+f1",
    "en-us+Alex",
    "en-us+linda",
    "en-us+grandma",
    "en-us+max",
    "en-029+m2",
    "en-us+zac",
    "en-us+anika",
    "en-gb+Denis",
    "en-us+Mr_serious",
)
READINGS: Final = {
    "two_cities.wav": (0.80, 0.86, 0.93, 1.0, 1.08, 1.16, 1.25),
    "beckett.wav": (0.85, 0.93, 1.0, 1.1, 1.2),
}


def synthetic_voices(random: np.random.Generator) -> list[Mono]:
    lines = [json.loads(line) for line in EXAMPLES.read_text(encoding="utf-8").splitlines()]
    texts = [line["text"] for line in lines if 40 < len(line.get("text", "")) < 200]
    voices: list[Mono] = []
    for name in ESPEAK:
        pitch, speed, tract = int(random.integers(25, 75)), int(random.integers(145, 190)), random.uniform(0.9, 1.12)
        said: list[Mono] = []
        for _ in range(10):
            text, varied = texts[int(random.integers(len(texts)))], pitch + int(random.integers(-4, 5))
            command = ["espeak-ng", "-v", name, "-p", str(varied), "-s", str(speed), "--stdout", text]
            wav = subprocess.run(command, capture_output=True, check=True).stdout
            raw = np.frombuffer(wav[44:], dtype="<i2").astype(np.float32) / 32768
            said += [
                soxr.resample(soxr.resample(raw, ESPEAK_RATE, RATE), RATE * tract, RATE),
                np.zeros(RATE // 4, dtype=np.float32),
            ]
        voices.append(levelled(np.concatenate(said)))
    return voices


def real_voices() -> list[Mono]:
    voices: list[Mono] = []
    for name, tracts in READINGS.items():
        with as_file(files("moonshine_voice") / "assets" / name) as path:
            reading = read_recording(path).samples[:, 0]
        voices += [levelled(soxr.resample(reading, RATE * tract, RATE)) for tract in tracts]
    return voices


def levelled(samples: Any) -> Mono:
    loud = samples[np.abs(samples) > 0.01]
    return (samples * (SPEECH_RMS / float(np.sqrt(np.mean(loud**2))))).astype(np.float32)


def excerpt(voice: Mono, seconds: float, random: np.random.Generator) -> Mono:
    length = int(seconds * RATE)
    for _ in range(20):
        at = int(random.integers(0, max(1, len(voice) - length)))
        found = voice[at : at + length].copy()
        if float(np.sqrt(np.mean(found**2))) > 0.03:
            break
    fade = RATE // 50
    if len(found) > 2 * fade:
        found[:fade] *= np.linspace(0, 1, fade, dtype=np.float32)
        found[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    return found


def stretch(first: Mono, second: Mono, random: np.random.Generator) -> tuple[Mono, Mono]:
    """2 to 8 s: one voice, one behind the other, or both at once (an interjection, or a turn taken too early)."""
    kind = random.choice(["solo", "turn", "over", "over"])
    seconds = random.uniform(2, 8)
    a = excerpt(first, seconds, random)
    b = np.zeros(len(a), dtype=np.float32)
    if kind == "turn":
        at = int(random.uniform(0.3, 0.7) * len(a))
        a[at:] = 0
        said = excerpt(second, seconds, random)[: len(a) - at]
        b[at : at + len(said)] = said
    if kind == "over":
        both = random.uniform(0.4, min(3.0, seconds))
        said = excerpt(second, both, random)
        at = int(random.uniform(0, max(1, len(a) - len(said))))
        if random.random() < 0.4:
            said = excerpt(second, min(seconds * 0.6, both + random.uniform(0.5, 3)), random)
            at = int(random.uniform(0.2, 0.6) * len(a))
            a[at + int(min(both, seconds * 0.3) * RATE) :] = 0
        said = said[: len(a) - at]
        b[at : at + len(said)] = said
    quieter = random.uniform(-6, 3) if kind == "turn" else random.uniform(-9, 3)
    return a, (b * 10 ** (quieter / 20)).astype(np.float32)


def heard(a: Mono, b: Mono, random: np.random.Generator) -> Mono:
    """Both as one microphone hears them."""
    if random.random() < 0.5:
        a, b = in_a_room(a, random), in_a_room(b, random)
    mixed = a + b
    if random.random() < 0.5:
        mixed = on_the_telephone(mixed, np.random.default_rng(int(random.integers(1_000_000_000))))
    mixed = mixed + random.normal(0, 10 ** (random.uniform(-70, -40) / 20), len(mixed))
    return np.clip(mixed * 10 ** (random.uniform(-15, 6) / 20), -1, 1).astype(np.float32)


def in_a_room(samples: Mono, random: np.random.Generator) -> Mono:
    length = int(RATE * random.uniform(0.1, 0.4))
    echo = random.normal(size=length) * np.exp(-np.arange(length) / (length / 6.9))
    echo *= random.uniform(0.2, 0.9) / np.sqrt(np.sum(echo**2))
    echo[0] += 1
    return fftconvolve(samples, echo)[: len(samples)].astype(np.float32)


def on_the_telephone(samples: Mono, random: np.random.Generator) -> Mono:
    narrow = soxr.resample(soxr.resample(samples, RATE, RATE // 2), RATE // 2, RATE)
    narrow = np.pad(narrow, (0, max(0, len(samples) - len(narrow))))[: len(samples)]
    hertz = np.fft.rfftfreq(len(narrow), 1 / RATE)
    spectrum = np.fft.rfft(narrow)
    spectrum *= 1 / (1 + (random.uniform(100, 300) / np.maximum(hertz, 1)) ** 4) / (1 + (hertz / 3500) ** 10)
    return np.fft.irfft(spectrum, len(narrow)).astype(np.float32)


def speaking(samples: Mono) -> NDArray[np.bool_]:
    """Whether a clean voice sounds, every 16 ms; the 16 ms before and behind count as well."""
    count = len(samples) // HOP
    level = np.sqrt(np.mean(samples[: count * HOP].reshape(count, HOP) ** 2, axis=1))
    return np.maximum.reduce([level, np.append(level[1:], 0), np.append(0, level[:-1])]) > VOICED


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--stretches", type=int, default=1_500)
    stretches: int = arguments.parse_args().stretches
    if shutil.which("espeak-ng") is None:
        sys.exit("espeak-ng is missing: apt-get install espeak-ng")
    pools = [synthetic_voices(np.random.default_rng(5)), real_voices()]
    random = np.random.default_rng(1)
    recognizer = Recognizer()
    rows: list[Any] = []
    labels: list[Any] = []
    for _ in range(stretches):
        pool = pools[int(random.random() >= 0.45)]
        one, other = random.choice(len(pool), 2, replace=False)
        a, b = stretch(pool[one], pool[other], random)
        both = speaking(a) & speaking(b)
        states = smoothed(recognizer.encode(heard(a, b, random)))
        places = ((np.arange(len(states)) + 0.5) / len(states) * len(both)).astype(int)
        rows.append(states[::EVERY])
        labels.append(both[places][::EVERY])
    x, y = np.concatenate(rows), np.concatenate(labels)
    mean, spread = x.mean(axis=0), x.std(axis=0) + 1e-6
    fitted = LogisticRegression(C=0.01, max_iter=200).fit((x - mean) / spread, y)
    weights = fitted.coef_[0] / spread
    write(weights, float(fitted.intercept_[0] - mean @ weights))
    print(f"{stretches} stretches, {len(y)} states, {y.mean():.1%} overlapped")


def write(weights: Any, bias: float) -> None:
    stored = {"threshold": THRESHOLD, "bias": round(bias, 5), "weights": [round(float(w), 5) for w in weights]}
    OUT.write_text(json.dumps(stored) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
