"""How far a comparison is: a live table on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

from surrogate_nas.compare.run import FINISHED, Run

LINES = 10  # that a log gets in the whole
log = logging.getLogger(__name__)


class Progress:
    """Counts the runs that have ended, and estimates how long the others will take.

    Args:
        runs: all that there are.
        workers: of them that run at the same time.
        shown: whether anybody looks.
    """

    def __init__(self, runs: Sequence[Run], workers: int, *, shown: bool) -> None:
        self.total = Counter(run.method.name for run in runs)
        self.ended: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.seconds: dict[str, list[float]] = {name: [] for name in self.total}
        self.best: dict[str, list[float]] = {name: [] for name in self.total}
        self.workers = workers
        self.shown = shown
        console = Console(stderr=True)
        self.live = Live(console=console, auto_refresh=False) if shown and console.is_terminal else None
        self.start = time.monotonic()

    def __enter__(self) -> Progress:
        if self.live:
            self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.live:
            self.live.stop()

    def __call__(self, record: dict[str, Any]) -> None:
        """Take in the record of a run that has ended."""
        name = record["method"]
        self.ended[name] += 1
        self.failed[name] += record["status"] != FINISHED
        self.seconds[name].append(record["wall"])
        self.best[name] += [score for score in [_score(record)] if score is not None]
        if self.live:
            self.live.update(self.table(), refresh=True)
        elif self.shown:
            done, total = self.ended.total(), self.total.total()
            if done * LINES // total > (done - 1) * LINES // total:
                log.info("%d of %d runs; about %s left.", done, total, _time(self.left()))

    def left(self) -> float:
        """Return the seconds that the rest will take: what each method's runs took so far, for those it still has."""
        known = [seconds for took in self.seconds.values() for seconds in took]
        usual = sum(known) / len(known) if known else 0.0
        work = sum(
            (self.total[name] - self.ended[name]) * (sum(took) / len(took) if took else usual)
            for name, took in self.seconds.items()
        )
        return work / self.workers

    def table(self) -> Table:
        """Return a row a method."""
        shown = Table(caption=f"about {_time(self.left())} left; {_time(time.monotonic() - self.start)} gone")
        shown.add_column("method")
        for heading in ("runs", "failed", "mean", "seconds a run"):
            shown.add_column(heading, justify="right")
        for name, took in self.seconds.items():
            best = self.best[name]
            shown.add_row(
                name,
                f"{self.ended[name]} of {self.total[name]}",
                str(self.failed[name] or ""),
                f"{sum(best) / len(best):.3f}" if best else "",
                f"{sum(took) / len(took):.1f}" if took else "",
            )
        return shown


def _score(record: dict[str, Any]) -> float | None:
    """Return the best label of a search, or the rank correlation of a fit."""
    if "metrics" in record:
        score: float | None = record["metrics"]["kendall_tau"]
        return score
    return max((value for value in record.get("values", []) if value is not None), default=None)


def _time(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"
