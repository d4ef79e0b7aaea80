"""The sample call that ships with Ridealong: a written two-person call, spoken by two synthetic voices.

`call.script.yaml` is what was written, `call.opus` its audio (one channel, about four minutes) and `call.jsonl` the
exact transcript with its times, in the form that `ridealong coach --transcript` reads.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from ridealong.core.errors import MissingPart


def sample_audio_path() -> Path:
    """The audio: Ogg Opus, 16 kHz speech on one channel. Raises MissingPart."""
    return _path("call.opus")


def sample_transcript_path() -> Path:
    """The truth: a header line, then one utterance a line, times in ms of the audio. Raises MissingPart."""
    return _path("call.jsonl")


def _path(name: str) -> Path:
    found = files(__name__).joinpath(name)
    if not isinstance(found, Path) or not found.is_file():
        raise MissingPart(f"the sample call's {name} is not where the package lies: install Ridealong as a folder")
    return found
