"""Covers for products without a picture: one SVG a name, always the same for the same name.

Invariant: the name only seeds the drawing and is never written into it, so no name can carry markup.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

# Ground, then four inks that hold together on it.
PALETTES = (
    ("#f2e8d5", "#d1495b", "#edae49", "#00798c", "#30323d"),
    ("#12263a", "#f4d35e", "#ee964b", "#f95738", "#c5d8d1"),
    ("#efe9f4", "#5b2a86", "#7785ac", "#9ac6c5", "#360568"),
    ("#1b1b1e", "#fbfffe", "#faa916", "#96031a", "#6d676e"),
    ("#e4f0d0", "#2f5233", "#76b947", "#b1d8b7", "#94c973"),
    ("#0b3954", "#bfd7ea", "#ff6663", "#e0ff4f", "#fefefe"),
    ("#fce2ce", "#d4447a", "#552619", "#f78764", "#fff1e0"),
    ("#d8e2dc", "#1d3557", "#e63946", "#a8dadc", "#457b9d"),
    ("#2b2d42", "#8d99ae", "#edf2f4", "#ef233c", "#d90429"),
    ("#fefae0", "#606c38", "#283618", "#dda15e", "#bc6c25"),
)


class _Draw:
    """A stream of small numbers that depends on the name alone."""

    def __init__(self, name: str) -> None:
        self._bytes = iter(hashlib.shake_128(name.encode()).digest(64))

    def below(self, limit: int) -> int:
        return next(self._bytes) % limit

    def ink(self, palette: tuple[str, ...]) -> str:
        return palette[1 + self.below(4)]


def cover_svg(name: str) -> str:
    draw = _Draw(name)
    palette = PALETTES[draw.below(len(PALETTES))]
    shapes = "".join(_MOTIFS[draw.below(len(_MOTIFS))](draw, palette))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 400">'
        f'<rect width="400" height="400" fill="{palette[0]}"/>{shapes}</svg>'
    )


def _sun(draw: _Draw, palette: tuple[str, ...]) -> Iterator[str]:
    x, y, r = 120 + draw.below(160), 110 + draw.below(80), 60 + draw.below(50)
    yield f'<circle cx="{x}" cy="{y}" r="{r}" fill="{draw.ink(palette)}"/>'
    for row in range(4):
        y, bend = 215 + row * 48, draw.below(90) - 45
        yield (
            f'<path d="M0 {y} C120 {y - bend} 260 {y + bend} 400 {y - bend // 2} V400 H0 Z" '
            f'fill="{palette[1 + (row + draw.below(2)) % 4]}"/>'
        )


def _rings(draw: _Draw, palette: tuple[str, ...]) -> Iterator[str]:
    x, y = 80 + draw.below(240), 80 + draw.below(240)
    for step in range(9, 0, -1):
        yield f'<circle cx="{x}" cy="{y}" r="{step * 34}" fill="{palette[step % 5]}"/>'


def _tiles(draw: _Draw, palette: tuple[str, ...]) -> Iterator[str]:
    for cell in range(16):
        x, y, turn = cell % 4 * 100, cell // 4 * 100, draw.below(4) * 90
        yield (
            f'<path d="M0 0 H100 A100 100 0 0 1 0 100 Z" fill="{draw.ink(palette)}" '
            f'transform="translate({x} {y}) rotate({turn} 50 50)"/>'
        )


def _stripes(draw: _Draw, palette: tuple[str, ...]) -> Iterator[str]:
    turn, at = draw.below(180), -200
    yield f'<g transform="rotate({turn} 200 200)">'
    while at < 600:
        width = 14 + draw.below(60)
        yield f'<rect x="{at}" y="-200" width="{width}" height="800" fill="{draw.ink(palette)}"/>'
        at += width + 10 + draw.below(30)
    yield "</g>"
    yield f'<circle cx="200" cy="200" r="{50 + draw.below(60)}" fill="{palette[0]}"/>'


def _blocks(draw: _Draw, palette: tuple[str, ...]) -> Iterator[str]:
    split, rise = 120 + draw.below(160), 120 + draw.below(160)
    for x, y, width, height in (
        (0, 0, split, rise),
        (split, 0, 400 - split, rise),
        (0, rise, split, 400 - rise),
        (split, rise, 400 - split, 400 - rise),
    ):
        yield f'<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="{draw.ink(palette)}"/>'
    yield f'<circle cx="{split}" cy="{rise}" r="{60 + draw.below(60)}" fill="{palette[0]}"/>'
    yield f'<circle cx="{split}" cy="{rise}" r="22" fill="{draw.ink(palette)}"/>'


_MOTIFS = (_sun, _rings, _tiles, _stripes, _blocks)
