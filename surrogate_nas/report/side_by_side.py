"""Several run folders to one comparison; what cannot be compared is listed with the reason, never dropped."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from surrogate_nas.compare.analysis import compared_fits, compared_searches
from surrogate_nas.compare.pool import JOURNAL, read_records
from surrogate_nas.compare.run import FINISHED, LEFT_OUT
from surrogate_nas.errors import RunFolderError
from surrogate_nas.record import Record
from surrogate_nas.report.run import Run, read_run

KINDS = {"search": "sampler", "fit": "predictor"}
TARGET = 0.1  # points below the optimum that count as reached, where no run says otherwise
RUN = ("method", "task", "seed")  # what tells one run from another; of fits also the number of labels
_SEEN = ("split", "epochs", "optimum")  # what makes two tasks of one name different ones


class _Gathered:
    """What the folders hold so far: names of methods and tasks are given once, and mean one thing."""

    def __init__(self) -> None:
        self.kinds: set[str] = set()
        self.settings: dict[str, Any] = {}
        self.tasks: dict[str, dict[str, Any]] = {}
        self.records: list[dict[str, Any]] = []
        self.targets: list[float] = []
        self.lost: list[dict[str, Any]] = []

    def method(self, name: str, settings: Any) -> str:
        """Return what a method is called here: its name, and its settings where another one has that name."""
        return _unique(name, settings, self.settings, lambda known: _difference(settings, known))

    def task(self, name: str, facts: Mapping[str, Any]) -> str:
        """Return what a task is called here."""
        seen = {key: facts.get(key) for key in _SEEN}
        known = {task: {key: of.get(key) for key in _SEEN} for task, of in self.tasks.items()}
        given = _unique(name, seen, known, lambda other: _difference(seen, other))
        self.tasks.setdefault(given, dict(facts))
        return given

    def add(self, record: dict[str, Any], source: Path) -> None:
        """Take in a record."""
        self.records.append({**record, "source": str(source)})


def side_by_side(folders: Sequence[Path]) -> Record:
    """Return the comparison of several runs: what ``result.json`` of a job ``compare`` holds.

    Searches are compared after the number of queries that most of them spent: longer ones are cut there, shorter ones
    left out with that reason. Of fits each is one run.

    Raises:
        RunFolderError: no folder can be read, or searches and fits are mixed.
    """
    gathered = _Gathered()
    for folder in folders:
        try:
            _gather(gathered, folder)
        except RunFolderError as error:
            gathered.lost.append(
                {"task": "", "method": folder.name, "seed": "", "status": LEFT_OUT, "note": str(error)}
            )
    if not gathered.records:
        raise RunFolderError(f"no folder holds runs to compare: {'; '.join(row['note'] for row in gathered.lost)}")
    if len(gathered.kinds) > 1:
        raise RunFolderError("searches and fits cannot stand side by side; give the folders of one kind.")
    (kind,) = gathered.kinds
    methods = list(gathered.settings)
    if kind == "sampler":
        budget = _usual_length(gathered.records)
        records = _once([_cut(record, budget) for record in gathered.records], RUN)
        sizes, target = [budget], min(gathered.targets, default=TARGET)
        found = compared_searches(records, methods=methods, tasks=gathered.tasks, budgets=sizes, target=target)
    else:
        records, target = _once(gathered.records, (*RUN, "size")), TARGET
        sizes = sorted({record["size"] for record in records})
        found = compared_fits(records, methods=methods, tasks=list(gathered.tasks), metric="kendall_tau")
    seeds = {row["seed"] for row in found["runs"] if row["status"] != LEFT_OUT}
    columns = found["runs"][0]
    found["runs"] += [{**dict.fromkeys(columns), **row} for row in gathered.lost]
    return Record(
        job="compare",
        kind=kind,
        methods=methods,
        settings=gathered.settings,
        tasks=gathered.tasks,
        seeds=sorted(seeds),
        sizes=sizes,
        target=target,
        folders=[str(folder) for folder in folders],
        failed=sum(row["status"] not in (FINISHED, LEFT_OUT) for row in found["runs"]),
        **found,
    )


def _gather(gathered: _Gathered, folder: Path) -> None:
    run = read_run(folder)
    result = run.result
    if result.job == "compare":
        gathered.kinds.add(result.kind)
        gathered.targets.append(result.target)
        tasks = {name: gathered.task(name, facts) for name, facts in result.tasks.items()}
        methods = {name: gathered.method(name, result.settings[name]) for name in result.methods}
        records = read_records(folder)
        for record in records:
            if record["method"] in methods and record["task"] in tasks:
                named = {"method": methods[record["method"]], "task": tasks[record["task"]]}
                gathered.add({**record, **named}, folder)
        kept = {tuple(record[name] for name in RUN) for record in records}
        for row in result.runs:
            if tuple(row[name] for name in RUN) not in kept:
                note = f"{folder / JOURNAL} was cut off before this run"
                gathered.lost.append({**{name: row[name] for name in RUN}, "status": LEFT_OUT, "note": note})
    elif result.job in KINDS:
        gathered.kinds.add(KINDS[result.job])
        gathered.add(_searched(gathered, run) if result.job == "search" else _fitted(gathered, run), folder)
    else:
        raise RunFolderError(f"{folder} is of job {result.job!r}; side by side stand {', '.join(KINDS)} and compare.")


def _base(gathered: _Gathered, run: Run, method: str, settings: Any, optimum: float | None) -> dict[str, Any]:
    result = run.result
    names = ("table", "dataset", "space", "split", "epochs", "provenance")
    facts = {**{name: result[name] for name in names}, "candidates": result.get("candidates")}
    task = gathered.task(f"{result.table}:{result.dataset}", {**facts, "optimum": optimum, "noise": None})
    name = gathered.method(method, settings)
    return {"method": name, "task": task, "seed": result.seed, "status": FINISHED, "note": ""}


def _searched(gathered: _Gathered, run: Run) -> dict[str, Any]:
    """Return the record of a search; test accuracies are known of its winner and of its oracle."""
    result = run.result
    settings = (yaml.safe_load(run.configuration) or {}).get("sampler")
    tests = {cell.architecture: cell.test for cell in (result.best, result.oracle) if cell is not None}
    texts = [trial.architecture for trial in run.trials]
    return {
        **_base(gathered, run, result.sampler, settings, result.optimum[result.split]),
        "kind": "sampler",
        "size": result.budget,
        "architectures": texts,
        "values": [trial.measured for trial in run.trials],
        "tests": [tests.get(text) for text in texts],
        "seconds": [trial.seconds for trial in run.trials],
    }


def _fitted(gathered: _Gathered, run: Run) -> dict[str, Any]:
    result = run.result
    settings = (yaml.safe_load(run.configuration) or {}).get("predictor")
    means = {name: of.mean for name, of in result.metrics.items() if not name.endswith("_seconds")}
    return {
        **_base(gathered, run, result.predictor, settings, None),
        "kind": "predictor",
        "size": result.train_size,
        "metrics": means,
    }


def _usual_length(records: Sequence[Mapping[str, Any]]) -> int:
    """Return the number of queries that most runs spent, the greatest if there are several such numbers."""
    lengths = Counter(len(record["values"]) for record in records if record["status"] == FINISHED)
    if not lengths:
        raise RunFolderError("no run of these folders finished, so there is nothing to compare.")
    return max(lengths, key=lambda length: (lengths[length], length))


def _cut(record: dict[str, Any], budget: int) -> dict[str, Any]:
    if record["status"] != FINISHED or len(record["values"]) == budget:
        return record
    spent = len(record["values"])
    if spent < budget:
        return {**_bare(record), "note": f"{spent} of {budget} queries"}
    kept = {name: record[name][:budget] for name in ("architectures", "values", "tests", "seconds")}
    notes = [part for part in (record["note"], f"{spent} queries, cut to {budget}") if part]
    return {**record, **kept, "note": "; ".join(notes)}


def _once(records: Sequence[dict[str, Any]], key: Sequence[str]) -> list[dict[str, Any]]:
    """Leave out what is the same run as an earlier one, to go by the values of a key."""
    sources: dict[tuple[Any, ...], str] = {}
    told = []
    for record in records:
        run = tuple(record[name] for name in key)
        if record["status"] == LEFT_OUT or run not in sources:
            told.append(record)
        else:
            note = f"{record['source']} repeats the method, table and seed of {sources[run]}"
            told.append({**_bare(record), "note": note})
        if record["status"] != LEFT_OUT:
            sources.setdefault(run, record["source"])
    return told


def _bare(record: Mapping[str, Any]) -> dict[str, Any]:
    return {**{name: record[name] for name in ("method", "task", "seed", "size")}, "status": LEFT_OUT}


def _unique(name: str, value: Any, known: dict[str, Any], difference: Any) -> str:
    """Return the name that a value has among the known ones, a new one if it has none, and note it."""
    for given, other in known.items():
        if other == value and (given == name or given.startswith(f"{name} (")):
            return given
    given = name if name not in known else f"{name} ({difference(known[name])})"
    while given in known:
        given += "'"
    known[given] = value
    return given


def _difference(one: Any, other: Any) -> str:
    """Return in which settings one thing differs from another of the same name."""
    if not isinstance(one, Mapping) or not isinstance(other, Mapping):
        return "other settings"
    differing = {key: one[key] for key in one if one[key] != other.get(key)}
    return ", ".join(f"{key}={json.dumps(value)}" for key, value in differing.items()) or "defaults"
