from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from ridealong.core.errors import InvalidAudio
from ridealong.speech.audio import AudioDecoder, iter_recording, read_recording


def tone(rate: int, seconds: float, hz: float = 440.0) -> np.ndarray:
    return (np.sin(2 * np.pi * hz * np.arange(int(rate * seconds)) / rate) * 12_000).astype("<i2")


def opus_packets(samples: np.ndarray) -> list[bytes]:
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "mono", "s16"
    encoder.time_base = Fraction(1, 48_000)
    packets = []
    for at in range(0, len(samples), 960):
        frame = av.AudioFrame.from_ndarray(samples[np.newaxis, at : at + 960], "s16", "mono")
        frame.sample_rate, frame.pts = 48_000, at
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return packets


def write_wav(path: Path, samples: np.ndarray, rate: int, channels: int = 1) -> None:
    data = samples.astype("<i2").tobytes()
    head = b"RIFF" + (36 + len(data)).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    head += (1).to_bytes(2, "little") + channels.to_bytes(2, "little") + rate.to_bytes(4, "little")
    head += (rate * channels * 2).to_bytes(4, "little") + (channels * 2).to_bytes(2, "little")
    head += (16).to_bytes(2, "little") + b"data" + len(data).to_bytes(4, "little")
    path.write_bytes(head + data)


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_pcm_of_any_rate_keeps_its_length_and_its_place(rate: int, channels: int) -> None:
    samples = np.repeat(tone(rate, 3.0)[:, np.newaxis], channels, axis=1)
    data = samples.tobytes()
    decoder = AudioDecoder("pcm16", rate, channels)
    # 1,001 bytes a time: no piece ends where a frame does.
    out = [decoder.decode(data[at : at + 1_001]) for at in range(0, len(data), 1_001)] + [decoder.flush()]
    heard = np.concatenate(out)
    assert heard.shape == (pytest.approx(48_000, abs=2), channels)
    assert decoder.received_ms == 3_000 or abs(decoder.received_ms - 3_000) <= 1
    ideal = np.sin(2 * np.pi * 440 * np.arange(48_000) / 16_000) * 12_000 / 32_768
    assert np.abs(heard[1_000:40_000, 0] - ideal[1_000:40_000]).max() < 0.01


def test_the_clock_does_not_drift_over_an_hour() -> None:
    decoder = AudioDecoder("mulaw", 8_000, 1)
    minute = bytes(8_000 * 60)
    total = sum(decoder.decode(minute).shape[0] for _ in range(60)) + decoder.flush().shape[0]
    assert total == 3_600 * 16_000
    assert decoder.received_ms == 3_600_000


def test_mulaw_has_the_loudness_of_its_table() -> None:
    decoder = AudioDecoder("mulaw", 8_000, 1)
    quiet = np.concatenate((decoder.decode(b"\xff" * 8_000), decoder.flush()))
    assert np.abs(quiet).max() < 1e-6
    loud = AudioDecoder("mulaw", 8_000, 1).decode(b"\x80" * 8_000)
    assert loud[4_000, 0] == pytest.approx(32_124 / 32_768, abs=0.01)


def test_two_channels_of_mulaw_are_interleaved_byte_by_byte() -> None:
    decoder = AudioDecoder("mulaw", 8_000, 2)
    heard = np.concatenate((decoder.decode(b"\xff\x80" * 8_000 + b"\xff"), decoder.decode(b"\x80"), decoder.flush()))
    assert heard.shape == (16_002, 2)
    assert np.abs(heard[1_000:15_000, 0]).max() < 1e-6
    assert heard[8_000, 1] == pytest.approx(32_124 / 32_768, abs=0.01)
    assert decoder.received_ms == 1_000


def test_opus_packets_one_at_a_time_become_samples() -> None:
    decoder = AudioDecoder("opus", 48_000, 1)
    packets = opus_packets(tone(48_000, 1.0))
    heard = np.concatenate([decoder.decode(packet) for packet in packets] + [decoder.flush()])
    assert heard.shape == (len(packets) * 320, 1)
    assert 0.1 < np.abs(heard[4_000:12_000]).max() < 0.6


@pytest.mark.parametrize("packet", [b"", b"\xff", b"\xff\xff\xff\xff"])
def test_what_is_no_opus_packet_is_refused_and_the_next_one_is_heard(packet: bytes) -> None:
    decoder = AudioDecoder("opus", 48_000, 1)
    good = opus_packets(tone(48_000, 0.2))
    decoder.decode(good[0])
    with pytest.raises(InvalidAudio, match="packet"):
        decoder.decode(packet)
    assert decoder.decode(good[1]).shape[0] > 0


@pytest.mark.parametrize("header", [b"RIFF", b"OggS", b"ID3", b"fLaC", b"\x1aE\xdf\xa3", b"\0\0\0\x20ftyp"])
@pytest.mark.parametrize("encoding", ["pcm16", "mulaw"])
def test_a_file_sent_as_raw_audio_is_refused_even_byte_by_byte(header: bytes, encoding: str) -> None:
    decoder = AudioDecoder(encoding, 8_000, 1)
    with pytest.raises(InvalidAudio, match="send raw samples, not a file"):
        for byte in header + bytes(100):
            decoder.decode(bytes([byte]))


def test_half_a_frame_at_the_end_is_refused_unless_the_sender_vanished() -> None:
    decoder = AudioDecoder("pcm16", 16_000, 2)
    decoder.decode(bytes(4_002))
    assert decoder.leftover == 2
    with pytest.raises(InvalidAudio, match="inside a frame"):
        decoder.flush()
    assert decoder.flush(cut_off=True).shape == (0, 2)


@pytest.mark.parametrize(
    ("encoding", "rate", "channels"),
    [("mp3", 8_000, 1), ("pcm16", 7_999, 1), ("pcm16", 96_000, 1), ("pcm16", 16_000, 3), ("mulaw", 16_000, 1),
     ("mulaw", 8_000, 3), ("opus", 16_000, 1)],
)  # fmt: skip
def test_a_format_that_cannot_be_heard_is_refused(encoding: str, rate: int, channels: int) -> None:
    with pytest.raises(InvalidAudio):
        AudioDecoder(encoding, rate, channels)


def test_a_recording_in_pieces_is_the_recording_whole(tmp_path: Path) -> None:
    write_wav(tmp_path / "call.wav", np.repeat(tone(44_100, 2.0), 2), 44_100, channels=2)
    whole = read_recording(tmp_path / "call.wav")
    assert (whole.sample_rate, whole.channels, whole.duration_ms) == (44_100, 2, 2_000)
    pieces = list(iter_recording(tmp_path / "call.wav", piece_ms=100))
    assert [piece.start_ts for piece in pieces] == list(range(0, 2_000, 100))
    assert np.array_equal(np.concatenate([piece.samples for piece in pieces]), whole.samples)


def test_a_wav_whose_header_lies_about_its_length_is_read_to_its_end(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", tone(16_000, 1.0), 16_000)
    data = bytearray((tmp_path / "a.wav").read_bytes())
    data[40:44] = (2**31 - 1).to_bytes(4, "little")
    (tmp_path / "lies.wav").write_bytes(data)
    assert read_recording(tmp_path / "lies.wav").duration_ms == 1_000


def test_more_than_two_channels_are_mixed_to_one(tmp_path: Path) -> None:
    write_wav(tmp_path / "six.wav", np.repeat(tone(16_000, 0.5), 6), 16_000, channels=6)
    assert read_recording(tmp_path / "six.wav").samples.shape[1] == 1


@pytest.mark.parametrize("content", [b"", b"this is no audio at all, only words", b"RIFF\0\0\0\0WAVE"])
def test_what_is_no_recording_is_refused_with_what_to_do(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.wav").write_bytes(content)
    with pytest.raises(InvalidAudio, match=r"x\.wav"):
        read_recording(tmp_path / "x.wav")
    with pytest.raises(InvalidAudio, match="no file"):
        read_recording(tmp_path / "absent.wav")
