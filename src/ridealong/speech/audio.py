"""Bytes to samples: what a sender or a file calls audio becomes 16 kHz float32 `[frames, channels]`.

The clock is the count of samples: resampling is one continuous stream whose output is aligned with its input, so
position n at 16 kHz is position n / 16000 s of the call, in the third hour as in the first second.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import av
import av.error
import numpy as np
import soxr

from ridealong.core.errors import InvalidAudio
from ridealong.speech import SAMPLE_RATE, Audio
from ridealong.speech.pcm import samples_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

PCM_RATES: Final = range(8_000, 48_001)
MULAW_RATE: Final = 8_000
OPUS_RATE: Final = 48_000

_HEADERS: Final = {
    b"RIFF": "a WAV file",
    b"RIFX": "a WAV file",
    b"OggS": "an Ogg file",
    b"fLaC": "a FLAC file",
    b"ID3": "an MP3 file",
    b"FORM": "an AIFF file",
    b"\x1aE\xdf\xa3": "a WebM file",
    b"caff": "a CAF file",
    b".snd": "an AU file",
}
HEADER_BYTES: Final = 8
"""A file is known by these first bytes."""


def _mulaw_table() -> Samples:
    """G.711 µ-law, all 256 codes as -1..1 (ITU-T G.711, table 2)."""
    code = ~np.arange(256, dtype=np.int64) & 0xFF
    magnitude = ((((code & 0x0F) << 3) + 0x84) << ((code & 0x70) >> 4)) - 0x84
    return (np.where(code & 0x80, -magnitude, magnitude) / 32768).astype(np.float32)


MULAW: Final = _mulaw_table()
"""The sample, -1 to 1, of each µ-law byte."""


class Resampler:
    """A continuous stream of `[frames, channels]` from `rate` Hz to 16 kHz."""

    def __init__(self, rate: int, channels: int) -> None:
        self._stream: Any = (
            None if rate == SAMPLE_RATE else soxr.ResampleStream(rate, SAMPLE_RATE, channels, dtype="float32")
        )
        self._channels = channels

    def convert(self, samples: Samples) -> Samples:
        """The next samples. The filter holds back up to 30 ms until more comes."""
        if self._stream is None or samples.shape[0] == 0:
            return samples
        return self._shaped(self._stream.resample_chunk(self._fed(samples)))

    def flush(self) -> Samples:
        """What the filter still holds; the stream ends with it."""
        empty = np.zeros((0, self._channels), dtype=np.float32)
        if self._stream is None:
            return empty
        return self._shaped(self._stream.resample_chunk(self._fed(empty), last=True))

    def _fed(self, samples: Samples) -> Samples:
        return np.ascontiguousarray(samples[:, 0] if self._channels == 1 else samples)

    def _shaped(self, samples: Any) -> Samples:
        return np.asarray(samples, dtype=np.float32).reshape(-1, self._channels)


class AudioDecoder:
    """Decodes one call's audio as it comes in.

    `encoding`: `pcm16` (signed 16-bit little-endian, interleaved, 8 to 48 kHz, 1 or 2 channels), `mulaw` (8 kHz,
    1 or 2 channels interleaved) or `opus` (48 kHz; each `decode` gets exactly one packet). Raises InvalidAudio for
    anything else.
    """

    def __init__(self, encoding: str, sample_rate: int, channels: int) -> None:
        _check_format(encoding, sample_rate, channels)
        self._encoding = encoding
        self._rate = sample_rate
        self._channels = channels
        self._resampler = Resampler(sample_rate, channels)
        self._frame_bytes = channels * (2 if encoding == "pcm16" else 1)
        self._rest = b""
        self._checked = encoding == "opus"
        self._frames_in = 0
        self._opus: Any = _opus_decoder(channels) if encoding == "opus" else None

    @property
    def received_ms(self) -> int:
        """Milliseconds of audio that were fed in, by the count of samples."""
        return self._frames_in * 1000 // self._rate

    @property
    def leftover(self) -> int:
        """Bytes of a frame that has not come whole yet."""
        return len(self._rest)

    def decode(self, data: bytes) -> Samples:
        """The samples that `data` completes, `[frames, channels]`.

        Raises InvalidAudio when the first bytes are a file's header, or for an Opus packet that is none.
        """
        return self._resampler.convert(self._opus_samples(data) if self._opus is not None else self._raw(data))

    def silence(self, frames: int) -> Samples:
        """Instead of `frames` sample frames (at the encoding's own rate) that cannot be decoded: nobody heard them, but
        what follows keeps its time.
        """
        self._frames_in += frames
        return self._resampler.convert(np.zeros((frames, self._channels), dtype=np.float32))

    def flush(self, *, cut_off: bool = False) -> Samples:
        """The audio is over: what the resampler still holds.

        Raises InvalidAudio when half a frame is left over; `cut_off` (the sender vanished) drops it instead.
        """
        raw = self._raw(b"", last=True) if self._opus is None else None
        if self._rest and not cut_off:
            raise InvalidAudio(
                f"the audio ends inside a frame ({len(self._rest)} of {self._frame_bytes} bytes): "
                f"send whole {self._encoding} frames of {self._channels} channel(s)"
            )
        self._rest = b""
        if raw is not None and raw.shape[0]:
            return np.concatenate((self._resampler.convert(raw), self._resampler.flush()))
        return self._resampler.flush()

    def _raw(self, data: bytes, *, last: bool = False) -> Samples:
        data = self._rest + data if self._rest else data
        if not self._checked:
            if len(data) < HEADER_BYTES and not last:
                self._rest = data
                return np.zeros((0, self._channels), dtype=np.float32)
            refuse_file(data)
            self._checked = True
        whole = len(data) - len(data) % self._frame_bytes
        self._rest = data[whole:]
        if self._encoding == "mulaw":
            samples = MULAW[np.frombuffer(data, dtype=np.uint8, count=whole)]
        else:
            samples = samples_of(data[:whole], self._channels)
        shaped = samples.reshape(-1, self._channels)
        self._frames_in += shaped.shape[0]
        return shaped

    def _opus_samples(self, packet: bytes) -> Samples:
        if self._frames_in == 0:
            refuse_file(packet)
        if not packet:
            raise InvalidAudio("an empty binary frame is no Opus packet: send one packet per frame")
        try:
            frames = self._opus.decode(av.Packet(packet))
        except (av.error.FFmpegError, ValueError) as error:
            # After an error FFmpeg's decoder takes nothing any more; the next packet starts a fresh one.
            self._opus = _opus_decoder(self._channels)
            raise InvalidAudio(
                "this binary frame is no Opus packet: send exactly one packet (RFC 6716) per frame, without a container"
            ) from error
        if not frames:
            raise InvalidAudio("this binary frame holds no Opus audio: send exactly one packet (RFC 6716) per frame")
        arrays = [frame.to_ndarray().reshape(-1, self._channels) for frame in frames]
        samples = np.concatenate(arrays).astype(np.float32) / np.float32(32768)
        self._frames_in += samples.shape[0]
        return samples


def _check_format(encoding: str, sample_rate: int, channels: int) -> None:
    if encoding not in {"pcm16", "mulaw", "opus"}:
        raise InvalidAudio(f"there is no encoding '{encoding[:20]}': use pcm16, mulaw or opus")
    if channels not in {1, 2}:
        raise InvalidAudio(f"{channels} channels cannot be heard: send 1, or 2 with one speaker each")
    if encoding == "pcm16" and sample_rate not in PCM_RATES:
        raise InvalidAudio(f"pcm16 at {sample_rate} Hz cannot be heard: send 8000 to 48000 Hz")
    if encoding == "mulaw" and sample_rate != MULAW_RATE:
        raise InvalidAudio("mulaw is 8000 Hz: state exactly that, or send pcm16")
    if encoding == "opus" and sample_rate != OPUS_RATE:
        raise InvalidAudio("Opus always runs at 48000 Hz on the wire: state sample_rate 48000")


def refuse_file(data: bytes) -> None:
    """Raises InvalidAudio when `data`, the first bytes of a call, begin a file instead of samples."""
    for header, name in _HEADERS.items():
        if data.startswith(header):
            raise InvalidAudio(f"these are the first bytes of {name}: send raw samples, not a file")
    if data[4:8] == b"ftyp":
        raise InvalidAudio("these are the first bytes of an MP4 file: send raw samples, not a file")


def _opus_decoder(channels: int) -> Any:
    decoder: Any = av.CodecContext.create("libopus", "r")
    decoder.sample_rate = OPUS_RATE
    decoder.layout = "mono" if channels == 1 else "stereo"
    return decoder


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Recording:
    """A recording read whole. `samples` are 16 kHz `[frames, channels]`; `sample_rate` is the file's own."""

    samples: Samples
    sample_rate: int
    channels: int

    @property
    def duration_ms(self) -> int:
        return self.samples.shape[0] * 1000 // SAMPLE_RATE


def read_recording(path: Path) -> Recording:
    """Read any audio file that FFmpeg knows (WAV, FLAC, Opus, MP3, M4A …). Raises InvalidAudio."""
    with _OpenFile(path) as file:
        pieces = list(file.pieces())
        return Recording(samples=np.concatenate(pieces), sample_rate=file.rate, channels=file.channels)


def iter_recording(path: Path, piece_ms: int = 100) -> Iterator[Audio]:
    """The same in pieces of `piece_ms` that follow each other without holes. Raises InvalidAudio, also midway."""
    size = piece_ms * SAMPLE_RATE // 1000
    at = 0
    with _OpenFile(path) as file:
        held = np.zeros((0, file.channels), dtype=np.float32)
        for samples in file.pieces():
            held = np.concatenate((held, samples))
            while held.shape[0] >= size:
                yield Audio(start_ts=at * 1000 // SAMPLE_RATE, samples=held[:size])
                at += size
                held = held[size:]
        if held.shape[0]:
            yield Audio(start_ts=at * 1000 // SAMPLE_RATE, samples=held)


class _OpenFile:
    """An open audio file. Its own header is not believed where the decoder says otherwise."""

    def __init__(self, path: Path) -> None:
        self._name = path.name
        if not path.is_file():
            raise InvalidAudio(f"there is no file '{path.name}': give the path of a recording")
        try:
            self._container: Any = av.open(str(path))
        except (av.error.FFmpegError, ValueError, OSError) as error:
            raise InvalidAudio(
                f"'{path.name}' is no audio file that can be read: convert it to WAV, FLAC, Opus, MP3 or M4A"
            ) from error
        if not self._container.streams.audio:
            self._container.close()
            raise InvalidAudio(f"'{path.name}' holds no audio track: give a recording with sound")
        self._stream: Any = self._container.streams.audio[0]
        self._frames: Iterator[Any] = self._decoded()
        first = next(self._frames, None)
        if first is None:
            self._container.close()
            raise InvalidAudio(f"'{path.name}' holds no audio that can be decoded: it is empty or damaged")
        self._first: Any = first
        self.rate = int(first.sample_rate)
        self.channels = 2 if len(first.layout.channels) == 2 else 1
        """More than two channels are mixed down to one."""

    def __enter__(self) -> _OpenFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()

    def pieces(self) -> Iterator[Samples]:
        plain = av.AudioResampler(format="flt", layout="stereo" if self.channels == 2 else "mono", rate=self.rate)
        to_16k = Resampler(self.rate, self.channels)
        for frame in self._all_frames():
            for converted in plain.resample(frame):
                yield to_16k.convert(self._samples(converted))
        for converted in plain.resample(None):
            yield to_16k.convert(self._samples(converted))
        yield to_16k.flush()

    def _samples(self, frame: Any) -> Samples:
        return np.asarray(frame.to_ndarray(), dtype=np.float32).reshape(-1, self.channels)

    def _all_frames(self) -> Iterator[Any]:
        yield self._first
        for frame in self._frames:
            if frame.sample_rate != self.rate or (len(frame.layout.channels) == 2) != (self.channels == 2):
                raise InvalidAudio(f"'{self._name}' changes its format midway: convert it to WAV first")
            yield frame

    def _decoded(self) -> Iterator[Any]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.error.FFmpegError:
                return  # the file is cut off here: what came before it counts
            try:
                yield from packet.decode()
            except av.error.FFmpegError:
                continue  # one damaged packet; a truncated last one is common
