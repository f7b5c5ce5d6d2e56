"""Compared: the answer in a sentence, and how large the comparison is."""

from __future__ import annotations

from surrogate_nas.compare.run import LEFT_OUT
from surrogate_nas.record import Record
from surrogate_nas.report.run import Run
from surrogate_nas.report.section.base import Figure, Section
from surrogate_nas.report.wording import count


def section(run: Run) -> Section:
    """Return the headline numbers of a comparison."""
    result = run.result
    tasks, seeds = len(result.tasks), len(result.seeds)
    blocks = (
        f"{count(tasks)} {'table' if tasks == 1 else 'tables'}, {count(seeds)} {'seed' if seeds == 1 else 'seeds'} each"
    )
    unit = "queries each" if result.kind == "sampler" else "labels"
    left_out = sum(row.status == LEFT_OUT for row in result.runs)
    figures = [
        Figure(f"{result.kind}s", count(len(result.methods)), ", ".join(result.methods)),
        Figure("runs", count(len(result.runs) - left_out), blocks),
        Figure("budget", count(result.sizes[-1]), unit),
        Figure("failed", count(result.failed), "counted as the worst" if result.failed else ""),
    ]
    if left_out:
        figures.append(Figure(LEFT_OUT, count(left_out), "counted neither way; the table of runs tells why"))
    verdicts = [_verdict(result, comparison) for comparison in result.comparisons]
    return Section("compared", "In short", {"figures": figures, "verdicts": verdicts})


def headline(run: Run) -> str:
    """Return in one line what was compared."""
    result = run.result
    where = next(iter(result.tasks)) if len(result.tasks) == 1 else f"{len(result.tasks)} tables"
    return (
        f"{', '.join(result.methods[:-1])} and {result.methods[-1]} on {where}"
        if len(result.methods) > 1
        else (f"{result.methods[0]} on {where}")
    )


def _verdict(result: Record, comparison: Record) -> str:
    """Return in a sentence which method is best, and whom it beats significantly."""
    scored = f"Regret {comparison.name}" if result.kind == "sampler" else comparison.name.replace("_", " ").capitalize()
    known = [row for row in comparison.ranks if row.rank is not None]
    if len(known) < 2:
        return f"{scored}: nothing to compare."
    best = min(known, key=lambda row: row.rank)
    beaten = [
        pair.second if pair.first == best.method else pair.first
        for pair in comparison.pairs
        if pair.significant and best.method in (pair.first, pair.second)
    ]
    others = f"significantly better than {', '.join(beaten)}" if beaten else "not significantly better than any other"
    return f"{scored}: {best.method} has the best mean rank, {best.rank:.2f}, {others}."
