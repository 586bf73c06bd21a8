"""What a run says, first: which method, by how much, how sure, at what cost.

Both measures of agreement reward views that were hardly edited, so that Dir is always told with them.
"""

from dataclasses import dataclass

from benchmark.analysis import MetricSummary, PairedDifference, RunStatistics
from benchmark.progress import duration
from benchmark.results import MethodRecord
from benchmark.samples import direction
from benchmark.store import Run
from reports.grids import Entry, Grid, Heading, Line
from reports.standing import Standing, standing_of
from reports.wording import NOTHING, decimal, listed, p_value, plural, signed, span

SURE = 0.05


@dataclass(frozen=True)
class Summary:
    """The answer in a few sentences, what it is worth, and the table that it stands on."""

    lead: str
    sentences: tuple[str, ...]
    grid: Grid


def summarise(run: Run, statistics: RunStatistics) -> Summary:
    """The summary of a run."""
    standing = standing_of(run, statistics)
    if run.record.provenance.bundle.random_weights:
        return Summary("Untrained models: only times and memory mean something here.", (), _costs_only(standing))
    if run.record.budget == "smoke":
        lead = "A smoke run shows that everything runs. No method can be judged by it."
        return Summary(lead, (_basis(standing),), _grid(standing))
    if not standing.contenders:
        return Summary("No method that edits has a score yet.", (_basis(standing),), _grid(standing))
    return Summary(_which(standing), tuple(filter(None, _sentences(standing))), _grid(standing))


def _which(standing: Standing) -> str:
    best = standing.contenders[0]
    if len(standing.contenders) == 1:
        return f"{best.title} is the only method here that edits and has a score."
    found = standing.between(best, standing.contenders[1], standing.quality.key)
    sure = found is not None and found.p_edits_holm < SURE
    doubt = "" if sure else ", but it is not settled"
    return f"{best.title} gives the most consistent views of the {len(standing.contenders)} methods that edit{doubt}."


def _sentences(standing: Standing) -> list[str]:
    return [_how_good(standing), _by_how_much(standing), _follows(standing), _cost(standing), _basis(standing)]


def _how_good(standing: Standing) -> str:
    found = standing.of(standing.contenders[0], standing.quality.key)
    if found is None:
        return ""
    sure = f" (95 % {span(found.interval)})" if found.interval else ""
    if standing.quality.key == "relative_error":
        floor = _floor(standing)
        return (
            f"Its relative reprojection error is {decimal(found.mean)}{sure}: 0 is what views of one scene have, "
            f"1 is chance{floor}. It does not tell whether the edit was made."
        )
    return f"Its Cons is {decimal(found.mean)}{sure}. Views that were hardly edited score high too."


def _floor(standing: Standing) -> str:
    method = next((one for one in standing.run.record.methods if one.name == "oracle"), None)
    found = standing.of(method, standing.quality.key) if method else None
    return f", and the true edit itself measures {decimal(found.mean)}" if found else ""


def _by_how_much(standing: Standing) -> str:
    if len(standing.contenders) < 2:
        return ""
    best, second = standing.contenders[:2]
    found = standing.between(second, best, standing.quality.key)
    if found is None:
        return f"Next is {second.title}; the two have no edit in common to be compared on."
    sure = f", 95 % {span(found.interval)}" if found.interval else ""
    behind = -direction(standing.quality) * found.difference
    apart = f"{decimal(abs(found.difference))} {'behind' if behind >= 0 else 'ahead'}"
    return (
        f"Next is {second.title}, {apart} over {plural(found.cells, 'edit')} that both finished "
        f"({plural(found.scenes, 'scene')}{sure}; Holm {p_value(found.p_edits_holm)} over edits). {_how_sure(found)}"
    )


def _how_sure(found: PairedDifference) -> str:
    least = 2 / 2**found.scenes
    if found.p_edits_holm >= SURE:
        return "This does not settle which of the two is better."
    if found.p_scenes_holm < SURE:
        return "This holds for other edits and scenes of the kind."
    if least >= SURE:
        few = f"{plural(found.scenes, 'scene')} cannot show that it holds for others (p is at least {least:g})"
        return f"On these scenes that is clear; {few}."
    return "On these scenes that is clear; it does not show for others."


def _follows(standing: Standing) -> str:
    best = standing.contenders[0]
    own = standing.of(best, "clip_dir")
    others = [(found.mean, method) for method in standing.contenders if (found := standing.of(method, "clip_dir"))]
    if own is None or len(others) < 2:
        return ""
    highest, top = max(others, key=lambda other: other[0])
    if top == best:
        return f"It also follows the instruction most closely: Dir {decimal(own.mean)}."
    pair = standing.between(top, best, "clip_dir")
    apart = f" ({signed(pair.difference)}; Holm {p_value(pair.p_edits_holm)} over edits)" if pair else ""
    told = f"Dir {decimal(highest)} against {decimal(own.mean)}{apart}"
    return f"In following the instruction, {top.title} is ahead: {told}."


def _cost(standing: Standing) -> str:
    times = {method.name: standing.seconds(method) for method in standing.contenders}
    known = {name: seconds for name, seconds in times.items() if seconds is not None}
    best = standing.contenders[0]
    if best.name not in known:
        return ""
    fastest = min(standing.contenders, key=lambda method: known.get(method.name, float("inf")))
    device = standing.run.record.provenance.hardware
    where = f" on {device.gpus[0] if device.device != 'cpu' and device.gpus else device.device}"
    told = f"An edit takes it {duration(known[best.name])}{where} (median)"
    if fastest == best:
        return f"{told}, less than any other." if len(known) > 1 else f"{told}."
    return f"{told}; {fastest.title}, the fastest, takes {duration(known[fastest.name])}."


def _basis(standing: Standing) -> str:
    counts = standing.statistics.counts
    attempted, failed = sum(one.attempted for one in counts), sum(one.failed for one in counts)
    absent, skipped = sum(one.absent for one in counts), sum(one.skipped for one in counts)
    troubles = [f"{number} {word}" for number, word in ((failed, "failed"), (skipped, "skipped")) if number]
    troubles += [f"{absent} missing or damaged"] if absent else []
    told = f"; {listed(troubles)}" if troubles else ""
    common = plural(standing.statistics.common, "edit")
    return f"{plural(attempted, 'cell')} of {plural(len(counts), 'method')}{told}; {common} finished by every method."


def _grid(standing: Standing) -> Grid:
    quality = standing.quality
    headings = (
        Heading("Method", wide=True),
        Heading(quality.heading),
        Heading("against the first"),
        Heading("Dir ↑"),
        Heading("time of an edit"),
        Heading("finished"),
    )
    rest = [method for method in standing.run.record.methods if method not in standing.contenders]
    ordered = [*standing.contenders, *rest]
    return Grid("Summary", headings, tuple(_line(standing, method) for method in ordered))


def _line(standing: Standing, method: MethodRecord) -> Line:
    return Line(
        (
            Entry(method.title, key=method.title.casefold()),
            _mean(standing.of(method, standing.quality.key)),
            _to_the_first(standing, method),
            _mean(standing.of(method, "clip_dir")),
            _time(standing.seconds(method)),
            _finished(standing, method),
        ),
        quiet=method not in standing.contenders,
    )


def _costs_only(standing: Standing) -> Grid:
    headings = (Heading("Method", wide=True), Heading("time of an edit"), Heading("finished"))
    lines = (
        Line((Entry(one.title, key=one.title.casefold()), _time(standing.seconds(one)), _finished(standing, one)))
        for one in standing.run.record.methods
    )
    return Grid("Summary", headings, tuple(lines))


def _mean(found: MetricSummary | None) -> Entry:
    return Entry(decimal(found.mean), span(found.interval), found.mean) if found else Entry(NOTHING)


def _to_the_first(standing: Standing, method: MethodRecord) -> Entry:
    if method not in standing.contenders[1:]:
        return Entry("", key=0.0 if method in standing.contenders else None)
    found = standing.between(method, standing.contenders[0], standing.quality.key)
    if found is None:
        return Entry(NOTHING)
    return Entry(signed(found.difference), f"Holm {p_value(found.p_edits_holm)}", found.difference)


def _time(seconds: float | None) -> Entry:
    return Entry(NOTHING) if seconds is None else Entry(duration(seconds), key=seconds)


def _finished(standing: Standing, method: MethodRecord) -> Entry:
    found = next(one for one in standing.statistics.counts if one.method == method.name)
    planned = found.attempted + found.skipped + found.absent
    return Entry(f"{found.succeeded} of {planned}", key=found.succeeded)
