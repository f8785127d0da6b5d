"""Two plain charts as SVG: horizontal bars with their spread, and lines over a few numbers of calls in flight."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from measure import Spread

WIDTH = 860
LETTER = 6.4
"""Mean width of a letter, which makes the width of the column of labels."""
STEP = 24
"""Height of a bar with its gap."""
OURS, OTHERS, MISSED = "#1f6feb", "#8c959f", "#cf222e"
LINES = ("#1f6feb", "#cf222e", "#8250df", "#1a7f37", "#9a6700", "#57606a", "#bf3989")


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar.

    Attributes:
        label: Text before it.
        spread: Its length, and the least and largest values as a line over it.
        color: Its color.
        mark: A value with a tick of its own, for example an aim.
    """

    label: str
    spread: Spread
    color: str = OTHERS
    mark: float | None = None


def bars(title: str, items: Sequence[Bar], *, limit: float | None = None, digits: int = 0) -> str:
    """Return a chart of horizontal bars.

    Args:
        title: Heading, with the unit.
        items: The bars from top to bottom.
        limit: Value at which a line goes through all bars.
        digits: Decimals of the printed medians.
    """
    longest = max([bar.spread.median for bar in items] + ([limit * 1.1] if limit else []))
    left = 24 + LETTER * max(len(bar.label) for bar in items)
    room = WIDTH - left - 80

    def x(value: float) -> float:
        return left + room * min(value / longest, 1.08)

    parts = []
    for number, bar in enumerate(items):
        top = 44 + number * STEP
        middle = top + (STEP - 8) / 2
        parts.append(_text(left - 8, middle + 4, bar.label, anchor="end"))
        parts.append(
            f'<rect x="{left:.1f}" y="{top}" width="{x(bar.spread.median) - left:.1f}" height="{STEP - 8}" '
            f'fill="{bar.color}"/>'
        )
        parts.append(_line(x(bar.spread.least), middle, x(bar.spread.largest), middle, "#24292f"))
        if bar.mark is not None:
            parts.append(_line(x(bar.mark), top - 2, x(bar.mark), top + STEP - 6, "#1a7f37", width=2))
        parts.append(
            _text(max(x(bar.spread.median), x(bar.spread.largest)) + 6, middle + 4, f"{bar.spread.median:.{digits}f}")
        )
    height = 44 + len(items) * STEP + 10
    if limit is not None:
        parts.append(_line(x(limit), 38, x(limit), height - 10, MISSED, width=1.5))
    return _page(title, height, parts)


def lines(title: str, numbers: Sequence[int], series: Mapping[str, Sequence[float | None]]) -> str:
    """Return a chart of lines, on a logarithmic scale of values.

    Args:
        title: Heading, with the unit.
        numbers: The numbers below, at equal distances.
        series: For each label a value for each number, or None where there is none.
    """
    values = [value for line in series.values() for value in line if value is not None]
    low, high = math.floor(math.log10(min(values)) * 2) / 2, math.ceil(math.log10(max(values)) * 2) / 2
    left, right, top, bottom = 60, WIDTH - 330, 44, 330

    def x(index: int) -> float:
        return left + (right - left) * index / max(len(numbers) - 1, 1)

    def y(value: float) -> float:
        return bottom - (bottom - top) * (math.log10(value) - low) / (high - low)

    parts = []
    for number, label in enumerate(numbers):
        parts.append(_text(x(number), bottom + 20, str(label), anchor="middle"))
    for exponent in range(math.ceil(low), math.floor(high) + 1):
        for factor in (1, 2, 5):
            if low <= math.log10(value := factor * 10.0**exponent) <= high:
                parts.append(_line(left, y(value), right, y(value), "#d8dee4"))
                parts.append(_text(left - 8, y(value) + 4, f"{value:g}", anchor="end"))
    ends: list[float] = []
    for (label, line), color in zip(
        sorted(series.items(), key=lambda item: -next(v for v in reversed(item[1]) if v is not None)),
        LINES,
        strict=False,
    ):
        points = [(x(index), y(value)) for index, value in enumerate(line) if value is not None]
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{color}"/>' for a, b in points]
        end = max(points[-1][1], ends[-1] + 15 if ends else 0)
        ends.append(end)
        parts.append(_text(right + 12, end + 4, label, color=color))
    return _page(title, max(bottom + 36, round(ends[-1]) + 16), parts)


def _page(title: str, height: float, parts: list[str]) -> str:
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
            'font-family="sans-serif" font-size="12">',
            f'<rect width="{WIDTH}" height="{height:.0f}" fill="#ffffff"/>',
            f'<text x="12" y="22" font-size="14" font-weight="bold" fill="#24292f">{escape(title)}</text>',
            *parts,
            "</svg>\n",
        ]
    )


def _text(x: float, y: float, text: str, *, anchor: str = "start", color: str = "#24292f") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}">{escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, color: str, *, width: float = 1) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{color}" stroke-width="{width}"/>'
