"""The growth curve as a picture: how the submit fares from the smallest registry to the biggest."""

from collections.abc import Mapping, Sequence
from html import escape
from math import log10
from statistics import median

from benchmarks.figures import BARE, SAMPLE, Results, Series, portal_name

_WIDTH, _HEIGHT = 800, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 600, 56, 340
_LINE = 18  # height of a line of text
_COLOURS = ("#0f766e", "#b45309")
_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#334155}.title{font-size:16px;font-weight:600}"
    ".grid{stroke:#94a3b8;stroke-opacity:.35}.base{stroke:#64748b;stroke-dasharray:6 4}"
    ".back{fill:#fff}@media(prefers-color-scheme:dark){text{fill:#cbd5e1}.back{fill:#0b1215}}"
)


def draw(results: Results) -> str:
    """Give the SVG: requests a second over the number of domains, one line for each database."""
    submit = results.works["submit"]
    lines = {
        database: [submit[portal_name(database, size)] for size in results.sizes]
        for database in results.databases
    }
    top = _ceiling(max(s.rate for s in submit.values()))
    parts = [
        _text(_LEFT, 28, "POST /auth/login to the provider: requests per second", kind="title"),
        *_grid(top),
        *_sizes(results.sizes),
        *(_baseline(_y(submit[name].rate, top)) for name in (BARE, SAMPLE)),
    ]
    names = {name: _y(submit[name].rate, top) for name in (BARE, SAMPLE)}
    colours = {}
    for (database, series), colour in zip(lines.items(), _COLOURS, strict=False):
        parts += _curve(series, results.sizes, top=top, colour=colour)
        names[f"portal, {database}"] = _y(median(s.rate for s in series), top)
        colours[f"portal, {database}"] = colour
    parts += _names(names, colours)
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        'aria-label="Requests per second over the number of domains">\n'
        f"<style>{_STYLE}</style>\n"
        f'<rect class="back" width="{_WIDTH}" height="{_HEIGHT}"/>\n{body}\n</svg>\n'
    )


def _ceiling(value: float) -> float:
    step = 10 ** int(log10(value))
    return step * (int(value / step) + 1)


def _x(size: int, sizes: Sequence[int]) -> float:
    low, high = log10(sizes[0]), log10(sizes[-1])
    share = (log10(size) - low) / (high - low) if high > low else 0.5
    return _LEFT + 20 + share * (_RIGHT - _LEFT - 40)


def _y(rate: float, top: float) -> float:
    return _BOTTOM - rate / top * (_BOTTOM - _TOP)


def _grid(top: float) -> list[str]:
    parts = []
    for fifth in range(6):
        rate = top * fifth / 5
        y = _y(rate, top)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(_text(_LEFT - 8, y + 4, f"{rate:,.0f}", anchor="end"))
    return parts


def _sizes(sizes: Sequence[int]) -> list[str]:
    marks = [_text(_x(n, sizes), _BOTTOM + 22, f"{n:,}", anchor="middle") for n in sizes]
    return [*marks, _text((_LEFT + _RIGHT) / 2, _BOTTOM + 46, "domains", anchor="middle")]


def _baseline(y: float) -> str:
    return f'<line class="base" x1="{_LEFT}" x2="{_RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'


def _curve(series: Sequence[Series], sizes: Sequence[int], *, top: float, colour: str) -> list[str]:
    points = [(_x(n, sizes), _y(s.rate, top)) for n, s in zip(sizes, series, strict=True)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return [
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5"/>',
        *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>' for x, y in points),
    ]


def _names(places: Mapping[str, float], colours: Mapping[str, str]) -> list[str]:
    """Write each name beside its line, from the top down and never over another."""
    parts, free = [], 0.0
    for name, y in sorted(places.items(), key=lambda place: place[1]):
        free = max(y + 4, free)
        mark = colours.get(name, "#64748b")
        parts.append(f'<circle cx="{_RIGHT + 14}" cy="{free - 4:.1f}" r="4" fill="{mark}"/>')
        parts.append(_text(_RIGHT + 24, free, name))
        free += _LINE
    return parts


def _text(x: float, y: float, text: str, *, anchor: str = "start", kind: str = "") -> str:
    marked = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{marked}>{escape(text)}</text>'
