"""Draw the pages' icons as PNG: the bars of ui/public/icon.svg. Run it from anywhere; it writes into ui/public."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

GROUND = (0x0B, 0x72, 0x85)
INK = (0xFF, 0xFF, 0xFF)
BARS = ((8, 13, 19), (13, 9, 23), (18, 12, 20), (23, 6, 26))
"""In the 32 units of the SVG: where each bar stands, from where to where it reaches."""
HALF = 1.5
CORNER = 8.0
FINER = 4
"""Samples along each side of a pixel: what makes edges smooth."""

Floats = npt.NDArray[np.float64]


def icon(size: int, *, scale: float = 1.0, rounded: bool = True) -> bytes:
    """The icon as PNG, `size` pixels square. `scale`: of the bars, smaller where a system cuts the edge off."""
    line = (np.arange(size * FINER) + 0.5) * 32 / (size * FINER)
    x, y = np.meshgrid(line, line)
    ground = _inside_corner(x, y) if rounded else np.ones_like(x)
    u, v = (x - 16) / scale + 16, (y - 16) / scale + 16
    bars = np.zeros_like(x)
    for at, top, bottom in BARS:
        # A line with round ends: everything within half its width.
        bars = np.maximum(bars, np.hypot(u - at, v - np.clip(v, top, bottom)) <= HALF)
    covered, ink = _mean(ground), _mean(bars * ground)
    share = np.divide(ink, covered, out=np.zeros_like(ink), where=covered > 0)[..., None]
    colour = np.array(GROUND) * (1 - share) + np.array(INK) * share
    return _png(np.dstack([np.rint(colour), np.rint(covered * 255)]).astype(np.uint8))


def _inside_corner(x: Floats, y: Floats) -> Floats:
    over = np.hypot(x - np.clip(x, CORNER, 32 - CORNER), y - np.clip(y, CORNER, 32 - CORNER))
    return (over <= CORNER).astype(float)


def _mean(fine: Floats) -> Floats:
    size = fine.shape[0] // FINER
    return np.asarray(fine.reshape(size, FINER, size, FINER).mean(axis=(1, 3)))


def _png(pixels: npt.NDArray[np.uint8]) -> bytes:
    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    parts = [
        (b"IHDR", struct.pack(">2I5B", width, height, 8, 6, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows, 9)),
        (b"IEND", b""),
    ]
    framed = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def main() -> None:
    folder = Path(__file__).resolve().parent.parent / "ui" / "public"
    for name, png in {
        "icon-192.png": icon(192),
        "icon-512.png": icon(512),
        # Apple rounds the corners itself; a maskable icon may lose a fifth on each side.
        "icon-180.png": icon(180, rounded=False),
        "icon-maskable-512.png": icon(512, scale=0.75, rounded=False),
    }.items():
        (folder / name).write_bytes(png)


if __name__ == "__main__":
    main()
