"""Runs the cells of a benchmark: resumes, isolates failures, stores and tables them. Workers do the work itself."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from benchmark.cells import Task, finished, identity_of, settings_of
from benchmark.crew import Crew, CrewOfOne, work_through
from benchmark.environment import provenance
from benchmark.options import RunOptions, RunSummary
from benchmark.progress import RunProgress
from benchmark.records import merged_with_earlier, run_record
from benchmark.results import CellResult
from benchmark.store import write_cell, write_originals, write_record
from benchmark.tables import write_tables
from benchmark.workbench import SceneShelf, Tools, Workbench
from benchmark.workers import ProcessCrew

MakeCrew = Callable[[Sequence[Tools]], Crew]


@dataclass
class Session:
    """What the cells of one run share, and their results so far by the cell's name."""

    options: RunOptions
    devices: Sequence[str]
    shelf: SceneShelf
    progress: RunProgress
    results: dict[str, CellResult] = field(default_factory=dict)
    kept: int = 0


def run_benchmark(
    options: RunOptions, devices: Sequence[str] = ("cpu",), make_crew: MakeCrew | None = None
) -> RunSummary:
    """Run every cell that is not finished yet, table the run and say how it ended.

    One device is worked on in this process, several by a process each, or all by the crew that ``make_crew`` makes from
    the tools for each; where a device is named more than once, its workers share it, and no times are kept. A cell that
    fails is stored with its reason and the others go on; Ctrl-C loses the cells in hand. Output that cannot be written
    is an `InputError`.
    """
    session, interrupted = _start(options, devices), False
    try:
        _run(_keep_finished(session), session, make_crew)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        session.progress.close()
    write_tables(options.output)
    results = tuple(session.results[cell.name] for cell in options.cells if cell.name in session.results)
    return RunSummary(options.output, results, session.kept, interrupted)


def _start(options: RunOptions, devices: Sequence[str]) -> Session:
    origin = provenance(options.bundle, options.budget.name, ",".join(dict.fromkeys(devices)))
    record = run_record(options.output, options.command, options.budget, options.cells, origin)
    write_record(options.output, merged_with_earlier(options.output, record))
    shelf = SceneShelf(options.scenes, options.budget.views)
    for name in dict.fromkeys(entry.scene for entry in options.edits):
        write_originals(options.output, name, shelf[name].originals)
    methods = [cell.variant.name for cell in options.cells]
    return Session(options, devices, shelf, RunProgress(methods, workers=len(devices)))


def _keep_finished(session: Session) -> list[Task]:
    """File the results of an earlier run that still hold, and return what is left to do."""
    left, options = [], session.options
    for cell in options.cells:
        identity = identity_of(cell, options.budget, options.bundle, session.shelf[cell.entry.scene].digest)
        result = finished(options.output, cell, identity)
        if result is None:
            left.append(Task(cell, identity, settings_of(cell.variant, options.budget)))
        else:
            session.results[cell.name] = result
            session.kept += 1
            session.progress.end(cell.name, result, kept=True)
    return left


def _run(tasks: Sequence[Task], session: Session, make_crew: MakeCrew | None) -> None:
    if not tasks:
        return
    tools = _tools(session)
    with closing(make_crew(tools) if make_crew else _crew(tools, session.shelf)) as crew:
        for task, report in work_through(tasks, crew, session.progress):
            write_cell(session.options.output, report.result, report.files)
            session.results[task.cell.name] = report.result
            session.progress.end(task.cell.name, report.result, kept=False)


def _crew(tools: Sequence[Tools], shelf: SceneShelf) -> Crew:
    return CrewOfOne(Workbench(tools[0], shelf)) if len(tools) == 1 else ProcessCrew(tools)


def _tools(session: Session) -> list[Tools]:
    options = session.options
    return [
        Tools(
            load_bundle=options.load_bundle,
            load_method=options.load_method,
            scenes=options.scenes,
            views=options.budget.views,
            device=device,
            origin=provenance(options.bundle, options.budget.name, device),
            alone=session.devices.count(device) == 1,
        )
        for device in session.devices
    ]
