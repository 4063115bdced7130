"""Draws the figures as SVG, without a library: bars of seconds, and lines over sizes."""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import escape

WIDTH, ROW, LEFT, TOP = 640, 26, 150, 44
_STYLE = "font-family='sans-serif' font-size='13' fill='#222'"


def bars(title: str, values: Mapping[str, float], *, unit: str = "s") -> str:
    """Draw a bar for each value, the longest over the whole width."""
    most = max(values.values())
    drawn = []
    for row, (name, value) in enumerate(values.items()):
        y, length = TOP + row * ROW, (WIDTH - LEFT - 80) * value / most
        drawn += [
            f"<text x='{LEFT - 8}' y='{y + 14}' text-anchor='end' {_STYLE}>{escape(name)}</text>",
            f"<rect x='{LEFT}' y='{y + 2}' width='{length:.1f}' height='16' fill='#3b7'/>",
            f"<text x='{LEFT + length + 6:.1f}' y='{y + 14}' {_STYLE}>{value:.1f} {unit}</text>",
        ]
    return _page(title, drawn, TOP + len(values) * ROW + 10)


def lines(title: str, curves: Mapping[str, Mapping[int, float]]) -> str:
    """Draw each curve over the sizes, scaled to its own largest value, which stands beside it."""
    height, drawn = 260, []
    for number, (name, values) in enumerate(curves.items()):
        color = ("#3b7", "#37b", "#b53")[number % 3]
        most, size = max(values.values()), max(values)
        points = [
            (LEFT + (WIDTH - LEFT - 60) * at / size, height - 30 - (height - 90) * value / most)
            for at, value in sorted(values.items())
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        drawn.append(f"<polyline points='{path}' fill='none' stroke='{color}' stroke-width='2'/>")
        drawn += [f"<circle cx='{x:.1f}' cy='{y:.1f}' r='3' fill='{color}'/>" for x, y in points]
        words = f"{escape(name)}: {most:,.1f}"
        y = TOP + number * 18
        drawn.append(f"<text x='10' y='{y}' {_STYLE.replace('#222', color)}>{words}</text>")
    drawn.append(f"<text x='{WIDTH - 60}' y='{height - 8}' text-anchor='end' {_STYLE}>")
    drawn.append(f"bookings, up to {max(max(values) for values in curves.values()):,}</text>")
    return _page(title, drawn, height)


def _page(title: str, drawn: list[str], height: int) -> str:
    head = f"<svg xmlns='http://www.w3.org/2000/svg' width='{WIDTH}' height='{height}'>"
    sky = f"<rect width='{WIDTH}' height='{height}' fill='#fff'/>"
    words = f"<text x='10' y='22' {_STYLE} font-weight='bold'>{escape(title)}</text>"
    return "\n".join([head, sky, words, *drawn, "</svg>"]) + "\n"
