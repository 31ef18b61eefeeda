"""Tables of a run: for the terminal, for `docs/benchmarks/README.md` and, a short one, for the project's README."""

from collections.abc import Iterable, Mapping, Sequence

from benchmarks.cost import PRICES_OF
from benchmarks.kinds import NUMBERS
from benchmarks.models import FOREST
from benchmarks.results import BASELINE, EMPTY_HANDLER, EMPTY_ROUTE, SKYLIFT, Results, Series

type Row = Sequence[str]


def render(results: Results) -> str:
    """All tables, as Markdown that is aligned for the eye as well."""
    sections = [
        _circumstances(results),
        _titled("Figures to reach", _targets(results)),
        _titled("Cold start to the first right answer, ms", _series(results.cold_start, scale=1000)),
        _titled("One row in the handler, microseconds", _series(results.handler, p99=True)),
        _titled("One row in the handler by what its contract has, microseconds", _kinds(results.kinds)),
        _titled("One row over HTTP, microseconds", _series(results.http, p99=True)),
        _titled("Requests per second over HTTP, 8 connections", _series(results.throughput)),
        *(
            _titled(f"Microseconds per instance in the handler, {model}", _series(batch, first="instances per request"))
            for model, batch in results.batch.items()
        ),
        _titled("One row in the handler by number of trees, microseconds", _series(results.trees, first="trees")),
        _titled(
            "One row in the handler by number of features, microseconds", _series(results.features, first="features")
        ),
        _titled("Resident memory after the first answer, MiB", _series(results.memory_first)),
        _titled("Resident memory after 200 more requests, MiB", _series(results.memory_later)),
        _titled("Distance to the floors", _floors(results)),
        _titled("Time to import the handler, ms", _imports(results)),
        _titled("Size of the dependencies, MiB", _sizes(results)),
        _titled(f"Dollars per million predictions, us-east-1, prices of {PRICES_OF}", _cost(results)),
    ]
    return "\n\n".join(sections) + "\n"


def summary(results: Results) -> str:
    """The figures that the README quotes."""
    forest = results.throughput[FOREST]
    rows = [
        ("cold start to the first answer, ms", results.cold_start[FOREST], 1000.0),
        ("one-row request in the handler, microseconds", results.handler[FOREST], 1.0),
        ("one of 1,000 rows in a request, microseconds", results.batch[FOREST][1000], 1.0),
        ("resident memory, MiB", results.memory_later[FOREST], 1.0),
    ]
    return table(
        ["a forest of 100 trees", "plain FastAPI + joblib", "skylift", "times better"],
        [
            *(
                [
                    name,
                    _number(series.of(BASELINE) * scale),
                    _number(series.of(SKYLIFT) * scale),
                    f"{series.ratio(BASELINE, SKYLIFT):.1f}",
                ]
                for name, series, scale in rows
            ),
            [
                "requests a second over HTTP",
                _number(forest.of(BASELINE)),
                _number(forest.of(SKYLIFT)),
                f"{forest.ratio(SKYLIFT, BASELINE):.1f}",
            ],
        ],
    )


def table(header: Row, rows: Iterable[Row]) -> str:
    """An aligned Markdown table: the first column to the left, all others to the right."""
    everything = [header, *rows]
    widths = [max(len(row[index]) for row in everything) for index in range(len(header))]

    def line(row: Row) -> str:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        return f"| {' | '.join(cells)} |"

    rule = f"| {'-' * widths[0]} | {' | '.join('-' * (width - 1) + ':' for width in widths[1:])} |"
    return "\n".join([line(header), rule, *(line(row) for row in everything[1:])])


def _circumstances(results: Results) -> str:
    machine = results.machine
    versions = ", ".join(f"{name} {version}" for name, version in results.versions.items())
    return (
        f"{results.date:%Y-%m-%d}, {'quick run' if results.quick else 'full run'}: {machine['cpu']}, "
        f"{machine['cores']} cores, {machine['memory_gib']} GiB, load {machine['load_average_before']} before. "
        f"{versions}. Load by {results.load_generator}."
    )


def _titled(title: str, body: str) -> str:
    return f"**{title}**\n\n{body}"


def _series(
    found: Mapping[str, Series] | Mapping[int, Series], *, first: str = "model", scale: float = 1, p99: bool = False
) -> str:
    """A row per model or size, a column per service, and the ratio of the two that count."""
    services = list(dict.fromkeys(name for series in found.values() for name in series.rounds))
    columns = [f"{name}{suffix}" for name in services for suffix in ((" p50", " p99") if p99 else ("",))]
    rows = []
    for key, series in found.items():
        row: list[str] = [f"{key:,}" if isinstance(key, int) else key]
        for name in services:
            row.append(_number(series.of(name) * scale) if name in series.rounds else "")
            if p99:
                row.append(_number(series.p99[name] * scale) if name in series.p99 else "")
        rows.append([*row, _number(series.ratio(BASELINE, SKYLIFT)), _number(series.ratio(SKYLIFT, BASELINE))])
    return table([first, *columns, "baseline / skylift", "skylift / baseline"], rows)


def _targets(results: Results) -> str:
    return table(
        ["figure", "to reach", "measured", ""],
        [
            [target.figure, target.bound, _number(target.value), "reached" if target.reached else "missed"]
            for target in results.targets
        ],
    )


def _floors(results: Results) -> str:
    """How many times the floors' figures both services take."""
    rows: list[Row] = []
    for title, found, scale in (
        ("cold start, ms", results.cold_start, 1000.0),
        ("one row in the handler, microseconds", results.handler, 1.0),
        ("one row over HTTP, microseconds", results.http, 1.0),
        ("memory after the first answer, MiB", results.memory_first, 1.0),
    ):
        rows += [
            [
                f"{title}, {model}: {floor}",
                _number(series.of(floor) * scale),
                *(_number((series.of(name) - series.of(floor)) * scale) for name in (SKYLIFT, BASELINE)),
                *(_number(series.ratio(name, floor)) for name in (SKYLIFT, BASELINE)),
            ]
            for model, series in found.items()
            for floor in series.rounds
            if floor in {EMPTY_ROUTE, EMPTY_HANDLER}
        ]
    return table(["floor", "it takes", "skylift above", "baseline above", "skylift / floor", "baseline / floor"], rows)


def _kinds(series: Series) -> str:
    """What a kind of feature adds to a row of numbers."""
    return table(
        ["contract", "p50", "p99", "more than numbers alone"],
        [
            [name, _number(series.of(name)), _number(series.p99[name]), _number(series.more(name, NUMBERS))]
            for name in series.rounds
        ],
    )


def _imports(results: Results) -> str:
    """Both services' most costly packages side by side."""
    columns = [list(found.packages.items()) for found in results.imports.values()]
    header = ["rank", *(word for name in results.imports for word in (name, "ms"))]
    rows = [["all", *(word for found in results.imports.values() for word in ("", _number(found.total)))]]
    for rank, pairs in enumerate(zip(*columns, strict=False), start=1):
        rows.append([str(rank), *(word for name, time in pairs for word in (name, _number(time)))])
    return table(header, rows)


def _sizes(results: Results) -> str:
    return table(
        ["dependencies", "MiB", "distributions", "largest"],
        [
            [
                name,
                _number(sum(found.values()) / 2**20),
                str(len(found)),
                ", ".join(
                    f"{each} {size / 2**20:.0f}" for each, size in sorted(found.items(), key=lambda item: -item[1])[:5]
                ),
            ]
            for name, found in results.sizes.items()
        ],
    )


def _cost(results: Results) -> str:
    dollars = {
        (cost.model, cost.instances, cost.memory_mb, cost.architecture, cost.service): cost for cost in results.cost
    }
    rows = []
    for (model, instances, memory, architecture, service), ours in dollars.items():
        if service == SKYLIFT:
            theirs = dollars[model, instances, memory, architecture, BASELINE]
            rows.append(
                [
                    f"{model}, {instances:,} per request, {memory:,} MB, {architecture}",
                    str(ours.billed_ms),
                    str(theirs.billed_ms),
                    f"{ours.dollars:.4g}",
                    f"{theirs.dollars:.4g}",
                    _number(theirs.dollars / ours.dollars),
                ]
            )
    return table(
        ["what", "skylift billed ms", "baseline billed ms", "skylift $", "baseline $", "baseline / skylift"], rows
    )


def _number(value: float) -> str:
    """Three digits, or all of an integer's."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
