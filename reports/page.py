"""The report of a run: one self-contained HTML page, made from the saved files alone. No torch."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from jinja2 import Environment, PackageLoader, StrictUndefined

from benchmark.progress import duration
from benchmark.results import CellResult, Hardware, MethodRecord, PublishedRecord
from benchmark.store import Run, read_run, replace_file
from benchmark.tables import CAPTION, COLUMNS, common_cells, number, rows
from reports.gallery import edit_blocks


@dataclass(frozen=True)
class RuntimeRow:
    """What a method's edits cost; texts, ready to be shown."""

    title: str
    edits: int
    median: str
    spread: str
    warm_up: str
    phases: str
    samples: str
    memory: str
    published: str


@dataclass(frozen=True)
class ScoreRow:
    """A row of scores: the title, counts and values as texts."""

    title: str
    description: str
    ok: int
    failed: int
    values: tuple[str, ...]
    published: PublishedRecord | None


def write_report(run_folder: Path, output: Path) -> Path:
    """Write the page of a run; a folder without one, or an output that cannot be written, is an `InputError`."""
    replace_file(output, render(read_run(run_folder)).encode())
    return output


def render(run: Run) -> str:
    """The page as HTML; everything that comes from the files is escaped."""
    environment = Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    troubled = [cell.result for cell in run.cells if cell.result.status != "ok"]
    return environment.get_template("report.html.j2").render(
        record=run.record,
        notices=notices(run),
        facts=facts(run),
        columns=COLUMNS,
        caption=CAPTION,
        common=common_cells(run),
        scores=[_score_row(run, method) for method in run.record.methods],
        runtimes=[_runtime_row(run, method) for method in run.record.methods],
        blocks=edit_blocks(run),
        cells=[cell.result for cell in run.cells],
        cell_values=[[number(column.value(cell.result), column) for column in COLUMNS] for cell in run.cells],
        troubled=troubled,
        run=run,
    )


def notices(run: Run) -> list[str]:
    """What a reader must know before reading a number."""
    bundle = run.record.provenance.bundle
    troubled = Counter(cell.result.status for cell in run.cells if cell.result.status != "ok")
    told = {
        "Random weights: the models were not trained. Times and memory are real, pictures mean nothing, and nothing is "
        "scored.": bundle.random_weights,
        f"Smoke run ({run.record.purpose}). Its pictures and scores mean nothing.": run.record.budget == "smoke",
        "Not all cells are ok: " + ", ".join(f"{count} {status}" for status, count in troubled.items()) + ".": troubled,
        f"Planned cells that were not run yet: {len(run.missing)}.": run.missing,
        f"Damaged cells, left out: {len(run.broken)}.": run.broken,
        f"Cells of another bundle or budget, left out: {run.foreign}.": run.foreign,
        "The cells were made from different versions of the sources.": len(_sources(run)) > 1,
        "The cells were timed on different machines or devices.": len(_machines(run)) > 1,
    }
    return [text for text, applies in told.items() if applies]


def facts(run: Run) -> list[tuple[str, str]]:
    """What ran, where and on what, as pairs of a name and a text."""
    origin = run.record.provenance
    commit = "not from a checkout" if origin.commit is None else origin.commit[:12]
    seeds = sorted({cell.result.identity.seed for cell in run.cells})
    return [
        ("Bundle", f"{origin.bundle.name} ({origin.bundle.digest[:12]})"),
        ("Budget", f"{run.record.budget}: {run.record.purpose}"),
        ("Seeds", ", ".join(map(str, seeds))),
        ("Machine", _machine(origin.hardware)),
        ("Sources", f"{commit}{' with uncommitted changes' if origin.dirty else ''}"),
        ("Packages", ", ".join(f"{name} {version}" for name, version in origin.packages.items())),
        ("Started", origin.created.replace("T", " ").replace("+00:00", " UTC")),
        ("Command", run.record.command),
    ]


def _sources(run: Run) -> set[str]:
    return {cell.result.identity.sources.model_dump_json() for cell in run.cells}


def _machines(run: Run) -> set[str]:
    return {cell.result.provenance.hardware.model_dump_json() for cell in run.cells if cell.result.timing}


def _machine(hardware: Hardware) -> str:
    memory = "" if hardware.memory is None else f", {hardware.memory / 2**30:.0f} GiB"
    gpus = f"; {', '.join(hardware.gpus)}" if hardware.gpus else ""
    return f"{hardware.cpu}, {hardware.cores} cores{memory}{gpus}; run on {hardware.device}"


def _score_row(run: Run, method: MethodRecord) -> ScoreRow:
    row = next(row for row in rows(run) if row.method == method.name)
    values = tuple(number(value, column) for value, column in zip(row.values, COLUMNS, strict=True))
    return ScoreRow(row.title, method.description, row.ok, row.failed, values, method.published)


def _runtime_row(run: Run, method: MethodRecord) -> RuntimeRow:
    results = [cell.result for cell in run.cells if cell.result.identity.method == method.name and cell.result.timing]
    samples = [seconds for result in results if result.timing for seconds in result.timing.edit]
    warm_ups = [result.timing.warm_up for result in results if result.timing and result.timing.warm_up is not None]
    minutes = method.published.minutes if method.published else None
    return RuntimeRow(
        title=method.title,
        edits=len(results),
        median=duration(median(samples)) if samples else "-",
        spread=f"{duration(min(samples))} to {duration(max(samples))}" if samples else "-",
        warm_up=duration(median(warm_ups)) if warm_ups else "-",
        phases=_means(results, lambda result: result.timing.phases if result.timing else {}, duration),
        samples=_means(results, lambda result: result.counts, lambda count: f"{count:,.0f}"),
        memory=_peak_memory(results),
        published="-" if minutes is None else f"{minutes:g} min",
    )


def _means(
    results: list[CellResult], read: Callable[[CellResult], Mapping[str, float]], show: Callable[[float], str]
) -> str:
    """``teacher 4,000, student 2,150``: the mean of every entry that is not zero."""
    names = dict.fromkeys(name for result in results for name in read(result))
    means = {name: sum(read(result).get(name, 0) for result in results) / len(results) for name in names}
    return ", ".join(f"{name} {show(mean)}" for name, mean in means.items() if mean) or "-"


def _peak_memory(results: Iterable[CellResult]) -> str:
    found = [result.memory for result in results if result.memory]
    reserved = [memory.device_reserved for memory in found if memory.device_reserved is not None]
    allocated = [memory.device_allocated for memory in found if memory.device_allocated is not None]
    if reserved and allocated:
        return f"{_gib(max(allocated))} allocated, {_gib(max(reserved))} reserved on the GPU"
    process = [memory.process for memory in found if memory.process is not None]
    return f"{_gib(max(process))} process" if process else "-"


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"
