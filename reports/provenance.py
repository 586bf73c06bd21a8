"""What a reader must know before a number, and where the numbers come from."""

from collections import Counter

from benchmark.recovery import Reading
from benchmark.results import Hardware
from benchmark.store import Run
from reports.wording import listed, plural


def notices(reading: Reading, lost: int = 0) -> list[str]:
    """What must be read before a number; empty where all is well. ``lost`` pictures cannot be shown."""
    run = reading.run
    bundle = run.record.provenance.bundle
    strange = sum(cell.result.identity.config.get("geometry_known") is False for cell in run.cells)
    scenes = [name for name, _ in run.damaged if name.startswith("originals/")]
    troubled = Counter(cell.result.status for cell in run.cells if cell.result.status != "ok")
    purpose = f" ({run.record.purpose})" if run.record.purpose else ""
    told = {
        f"run.json is damaged ({reading.trouble}). What was planned, and by which command, is not known: this page "
        "shows the cells that are there.": reading.trouble,
        "Random weights: the models were not trained. Times and memory are real, pictures mean nothing, and nothing is "
        "scored.": bundle.random_weights,
        f"Cells of scenes that are not built in: {strange}. Their scores are by the CLIP of the {bundle.name} bundle, "
        "and tell something only if it knows such pictures.": strange,
        f"Smoke run{purpose}. Its pictures and scores mean nothing.": run.record.budget == "smoke",
        "Not all cells are ok: " + ", ".join(f"{count} {status}" for status, count in troubled.items()) + ".": troubled,
        f"Planned cells that were not run yet: {len(run.missing)}.": run.missing,
        f"Damaged cells, left out: {len(run.broken)}.": run.broken,
        f"Scenes whose original views are damaged: {len(scenes)}.": scenes,
        f"Pictures that are missing or damaged: {lost}.": lost,
        f"Cells of another bundle or budget, left out: {run.foreign}.": run.foreign,
        "The cells were made from different versions of the sources.": len(_sources(run)) > 1,
        "The cells were timed on different machines, devices or numbers of threads.": len(_machines(run)) > 1,
    }
    return [text for text, applies in told.items() if applies]


def in_short(run: Run) -> str:
    """What was run, in one line."""
    results = [cell.result for cell in run.cells]
    edits = {(result.identity.scene, result.identity.edit) for result in results}
    seeds = {result.identity.seed for result in results}
    parts = [plural(len(edits), "edit"), plural(len({scene for scene, _ in edits}), "scene")]
    parts += [plural(len(run.record.methods), "method"), plural(len(seeds), "seed")]
    origin = run.record.provenance
    where = f"{origin.hardware.device}, {origin.created[:10]}"
    return f"{listed(parts)} with the {origin.bundle.name} bundle, {run.record.budget} budget, on {where}"


def facts(run: Run) -> list[tuple[str, str]]:
    """What ran, where and on what, as pairs of a name and a text."""
    origin = run.record.provenance
    commit = "not from a checkout" if origin.commit is None else origin.commit[:12]
    seeds = sorted({cell.result.identity.seed for cell in run.cells})
    pairs = [
        ("Bundle", f"{origin.bundle.name} ({origin.bundle.digest[:12]})"),
        ("Catalogue", origin.catalogue[:12]),
        ("Budget", f"{run.record.budget}: {run.record.purpose}"),
        ("Seeds", ", ".join(map(str, seeds))),
        ("Machine", _machine(origin.hardware)),
        ("Threads of a cell", ", ".join(map(str, sorted(_threads(run))))),
        ("System", origin.hardware.platform),
        ("Sources", f"{commit}{' with uncommitted changes' if origin.dirty else ''}"),
        ("Packages", ", ".join(f"{name} {version}" for name, version in origin.packages.items())),
        ("Started", origin.created.replace("T", " ").replace("+00:00", " UTC")),
    ]
    return [pair for pair in pairs if pair[1]]


def methods(run: Run) -> list[tuple[str, str]]:
    """What each method is, or where its views come from, as pairs of its title and a text."""
    pairs = [(one.title, "; ".join(filter(None, (one.description, one.paper)))) for one in run.record.methods]
    return [pair for pair in pairs if pair[1]]


def _sources(run: Run) -> set[str]:
    return {cell.result.identity.sources.model_dump_json() for cell in run.cells}


def _machines(run: Run) -> set[str]:
    return {cell.result.provenance.hardware.model_dump_json() for cell in run.cells if cell.result.timing}


def _threads(run: Run) -> set[int]:
    found = (cell.result.provenance.hardware.threads for cell in run.cells)
    return {threads for threads in found if threads is not None}


def _machine(hardware: Hardware) -> str:
    memory = "" if hardware.memory is None else f", {hardware.memory / 2**30:.0f} GiB"
    gpus = f"; {', '.join(hardware.gpus)}" if hardware.gpus else ""
    return f"{hardware.cpu}, {hardware.cores} cores{memory}{gpus}; run on {hardware.device}"
