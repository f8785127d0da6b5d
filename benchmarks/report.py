"""The tables and plots of a run: Markdown for the terminal and for `docs/benchmarks.md`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import fairness
import imports
from contenders import LABELS
from measure import Series, Spread, ratio
from results import LIBRARIES, Results
from rows import Row, rows
from svg import MISSED, OTHERS, OURS, Bar, bars, lines

DOCS = Path(__file__).parent.parent / "docs"
BEGIN, END = "<!-- begin: written by benchmarks/run.py -->", "<!-- end -->"
TASKS = (1, 16, 64, 256, 512)
THREADS = (4, 16, 64)


def markdown(results: Results) -> str:
    """Return all tables."""
    parts = [_environment(results), _held_to(rows(results), part=results.environment["run"] == "part")]
    for key, bases in (
        ("sync", ("requests", "socket")),
        ("async-1", ("aiohttp", "livekit-api", "socket")),
        ("async-16", ("aiohttp", "livekit-api")),
        ("uvloop-16", ("aiohttp", "livekit-api")),
        ("tls-sync", ("requests", "socket")),
        ("tls-async-16", ("aiohttp", "livekit-api")),
        ("large-sync", ("parse",)),
        ("large-async", ("parse",)),
    ):
        if key in results.series:
            parts.append(_cpu(results.series[key], bases))
    parts += [
        _by_number(results, "async", TASKS, "livekit-api", "in flight"),
        _by_number(results, "threads", THREADS, "requests", "threads"),
        _throughput(results),
        _fairness(results),
        _imports(results),
        _memory(results),
    ]
    if results.missing:
        left_out = "; ".join(f"{LABELS.get(name, name)}: {why}" for name, why in results.missing.items())
        parts.append(f"Left out: {left_out}.")
    return "\n\n".join(part for part in parts if part)


def write_docs(results: Results) -> None:
    """Write the part of the page that is made, and the plots."""
    page = DOCS / "benchmarks.md"
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n\n{markdown(results)}\n\n{END}{after}", encoding="utf-8")
    folder = DOCS / "benchmarks"
    folder.mkdir(exist_ok=True)
    for name, drawn in _plots(results).items():
        (folder / f"{name}.svg").write_text(drawn, encoding="utf-8")


def _table(head: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    head = list(head)
    rule = ["---", *("---:" for _ in head[1:])]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *lines))


def _figure(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def _spread(spread: Spread) -> str:
    return f"{_figure(spread.median)} ({_figure(spread.least)}-{_figure(spread.largest)})"


def _environment(results: Results) -> str:
    env = results.environment
    versions = ", ".join(f"{name} {env[name]}" for name in LIBRARIES if name in env)
    return f"CPython {env['python']}, {versions}; {env['machine']}, load {env['load']}; {env['run']} run."


def _held_to(found: list[Row], *, part: bool) -> str:
    cells = [
        (
            row.text,
            _spread(row.measured) if row.measured else "-",
            f"{row.at_most:g}",
            f"{row.aim:g}",
            row.verdict(),
        )
        for row in found
        if row.measured or not part
    ]
    return "### Bounds\n\n" + _table(("CPU, median (least-largest)", "measured", "at most", "aim", ""), cells)


def _cpu(series: Series, bases: tuple[str, ...]) -> str:
    bases = tuple(base for base in bases if base in series.figures)
    lines = []
    for name, figures in series.figures.items():
        spread = Spread.of([each * 1e6 for each in figures.cpu])
        lines.append((LABELS[name], _spread(spread), *(_spread(ratio(series, name, base)) for base in bases)))
    heads = (f"÷ {LABELS[base]}" for base in bases)
    return f"### {series.title[0].upper()}{series.title[1:]}\n\n" + _table(("CPU", "µs a call", *heads), lines)


def _by_number(results: Results, prefix: str, numbers: tuple[int, ...], base: str, unit: str) -> str:
    """Return CPU time a call, and its ratio to a base, by calls in flight or threads."""
    found = {
        number: results.series[f"{prefix}-{number}"] for number in numbers if f"{prefix}-{number}" in results.series
    }
    if not found:
        return ""
    names = [name for name in LABELS if sum(name in series.figures for series in found.values()) > 1]
    lines = []
    for name in names:
        cells = []
        for series in found.values():
            if name not in series.figures:
                cells.append("-")
                continue
            cpu = Spread.of(series.figures[name].cpu).median * 1e6
            over = f" · {_figure(ratio(series, name, base).median)}" if base in series.figures else ""
            cells.append(f"{cpu:.0f}{over}")
        lines.append((LABELS[name], *cells))
    title = f"### CPU by {unit}\n\nµs a call · ÷ {LABELS[base]}\n\n"
    return title + _table((unit.capitalize(), *(str(number) for number in found)), lines)


def _throughput(results: Results) -> str:
    """Return calls a second, and whether the server was the limit."""
    keys = [*(f"threads-{number}" for number in THREADS), *(f"async-{number}" for number in TASKS), "uvloop-16"]
    found = {key: results.series[key] for key in keys if key in results.series}
    if not found:
        return ""
    limited = False
    lines = []
    for name in LABELS:
        if not any(name in series.figures for series in found.values()):
            continue
        cells = []
        for series in found.values():
            figures = series.figures.get(name)
            if figures is None:
                cells.append("-")
                continue
            star = "*" if figures.limited_by_server() else ""
            limited |= bool(star)
            cells.append(f"{1 / Spread.of(figures.wall).median:.0f}{star}")
        lines.append((LABELS[name], *cells))
    busiest = max(
        (Spread.of(figures.server_busy).median, LABELS[name], series.title)
        for series in results.series.values()
        for name, figures in series.figures.items()
    )
    note = (
        "\\* the server was the limit, not the client." if limited else "The server was never the limit."
    ) + f" It was busiest, {busiest[0]:.0%} of the time, with {busiest[1]} ({busiest[2]})."
    heads = (key.replace("-", " ") for key in found)
    return "### Calls a second\n\n" + _table(("Median", *heads), lines) + "\n\n" + note


def _fairness(results: Results) -> str:
    if not results.fairness:
        return ""
    lines = []
    for name, each in results.fairness.items():
        over = Spread.of([p99 / p50 for p99, p50 in zip(each["p99"], each["p50"], strict=True)])
        times = (f"{Spread.of(each[centile]).median * 1e3:.0f}" for centile in ("p50", "p99"))
        lines.append((LABELS[name], *times, _spread(over)))
    head = (f"{fairness.IN_FLIGHT} in flight", "p50, ms", "p99, ms", "p99 ÷ p50")
    return "### Fairness\n\n" + _table(head, lines)


def _imports(results: Results) -> str:
    if not results.imports:
        return ""
    base = results.imports[imports.BASE]
    lines = []
    for name, times in results.imports.items():
        over = Spread.of([one / other for one, other in zip(times, base, strict=True)])
        shown = name if "`" in name else f"`{name}`"
        lines.append((shown, _spread(Spread.of([each * 1e3 for each in times])), _spread(over)))
    return "### Imports and first clients\n\n" + _table(("Fresh interpreter, CPU", "ms", f"÷ `{imports.BASE}`"), lines)


def _memory(results: Results) -> str:
    if not results.memory:
        return ""
    lines = [
        (LABELS[name], *(_spread(Spread.of(peaks)) if peaks else "-" for peaks in (found["resident"], found["traced"])))
        for name, found in results.memory.items()
    ]
    head = ("Peak above the message ÷ size of the response", "resident set", "allocated by Python")
    return "### Memory, 3.4 MB response\n\n" + _table(head, lines)


def _plots(results: Results) -> dict[str, str]:
    plots = {"bounds": _bounds_plot(rows(results))}
    for key in ("sync", "async-16"):
        if key in results.series:
            series = results.series[key]
            plots[key] = bars(f"CPU per call, µs: {series.title}", _bars(series))
    found = {number: results.series[f"async-{number}"] for number in TASKS if f"async-{number}" in results.series}
    if found:
        names = [name for name in LABELS if sum(name in series.figures for series in found.values()) > 1]
        values = {
            _plain(LABELS[name]): [
                Spread.of(series.figures[name].cpu).median * 1e6 if name in series.figures else None
                for series in found.values()
            ]
            for name in names
        }
        plots["async"] = lines("CPU per call, µs, by calls in flight", list(found), values)
    if results.imports:
        items = [
            Bar(
                _plain(name),
                Spread.of([each * 1e3 for each in times]),
                OURS if "twirp" in name or "first" in name else OTHERS,
            )
            for name, times in results.imports.items()
        ]
        plots["imports"] = bars("CPU of a fresh interpreter, ms", items)
    return plots


def _bounds_plot(found: list[Row]) -> str:
    items = []
    for row in found:
        if row.measured is None:
            continue
        parts = (row.measured.median, row.measured.least, row.measured.largest)
        color = OURS if row.measured.median <= row.at_most else MISSED
        items.append(
            Bar(_plain(row.text), Spread(*(part / row.at_most for part in parts)), color, row.aim / row.at_most)
        )
    return bars("Measured ÷ the bound (red line); green: the aim", items, limit=1, digits=2)


def _bars(series: Series) -> list[Bar]:
    return [
        Bar(
            _plain(LABELS[name]),
            Spread.of([each * 1e6 for each in figures.cpu]),
            OURS if name.startswith(("sync", "async")) else OTHERS,
        )
        for name, figures in series.figures.items()
    ]


def _plain(text: str) -> str:
    return text.replace("`", "").removeprefix("Twirp call on a ").replace(", with a timeout", "")
