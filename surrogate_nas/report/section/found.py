"""What was found: the headline numbers of a run, and the cell that won."""

from __future__ import annotations

from surrogate_nas.record import Record
from surrogate_nas.report.cell import drawing
from surrogate_nas.report.run import Run
from surrogate_nas.report.section.base import Figure, Section
from surrogate_nas.report.wording import count, duration, number, percent, share, split_name

TITLE = "What was found"


def of_search(run: Run) -> Section:
    """Return the winner of a search, the validation-best, and how it compares."""
    result = run.result
    figures = [] if result.best is None else _winner(run)
    measured = f"{share(result.queries, result.candidates)} of {count(result.candidates)} candidates"
    figures.append(Figure("measurements", count(result.queries), measured))
    if result.seconds.training is not None:
        everything = result.seconds.training_all
        whole = "" if everything is None else f"all candidates: {duration(everything)}"
        figures.append(Figure("training paid for", duration(result.seconds.training), whole))
    best = None if result.best is None else result.best.architecture
    cell = None if best is None else drawing(run.architecture(best))
    return Section("found", TITLE, {"figures": figures, "cell": cell, "architecture": best, "note": _oracle(result)})


def of_fit(run: Run) -> Section:
    """Return how well a fitted predictor ranks what it has not seen."""
    result = run.result
    tau = result.metrics.kendall_tau
    spread = "" if tau.std is None else f"± {number(tau.std)}; "
    labels = f"{split_name(result.split)} accuracies on {result.dataset}"
    figures = [
        Figure("Kendall's τ", number(tau.mean), f"{spread}1 is the true ranking, 0 a random one"),
        Figure("fitted to", count(result.train_size), labels),
        Figure("draws", count(result.draws), "of labels, each fitted to anew"),
    ]
    return Section("found", TITLE, {"figures": figures, "cell": None, "architecture": None, "note": None})


def of_tasks(run: Run) -> Section:
    """Return how well a predictor of several tasks ranks what it has not seen in each."""
    figures = [
        Figure(
            f"Kendall's τ, {task.name}",
            number(task.metrics.kendall_tau.mean),
            f"after {count(task.train_size)} labels; {number(task.metrics_alone.kendall_tau.mean)} from them alone",
        )
        for task in run.result.tasks
    ]
    return Section("found", TITLE, {"figures": figures, "cell": None, "architecture": None, "note": None})


def of_verify(run: Run) -> Section:
    """Return the best of the cells that were trained."""
    cells = run.result.verification
    trained = [(cell, split) for cell in cells for split in ("test", "valid") if cell.get(split)]
    figures = [Figure("cells trained", count(len(cells)), f"on {run.result.data} with recipe {run.result.recipe}")]
    best, split = max(trained, key=lambda pair: (pair[1] == "test", pair[0][pair[1]].mean), default=(None, ""))
    if best is not None:
        mean, std, seeds = best[split].mean, best[split].std, len(best.seeds)
        note = "one seed" if std is None else f"± {percent(std)} over {seeds} seeds"
        figures.insert(0, Figure(f"best mean {split_name(split)} accuracy", percent(mean), note))
    architecture = None if best is None else best.architecture
    cell = None if best is None else drawing(run.architecture(best.architecture))
    return Section("found", TITLE, {"figures": figures, "cell": cell, "architecture": architecture, "note": None})


def search_headline(run: Run) -> str:
    """Return in one line what a search found."""
    best, queries = run.result.best, count(run.result.queries)
    if best is None:
        return f"No measurement succeeded in {queries} queries"
    split = "test" if best.get("test") is not None else run.result.split
    return f"A cell with {percent(best[split])} {split_name(split)} accuracy, found in {queries} measurements"


def fit_headline(run: Run) -> str:
    """Return in one line what was fitted."""
    result = run.result
    return f"Predictor {result.predictor}, fitted to {count(result.train_size)} architectures of {result.table}"


def verify_headline(run: Run) -> str:
    """Return in one line what was trained."""
    cells = len(run.result.verification)
    return f"{cells} {'cell' if cells == 1 else 'cells'} trained for real on {run.result.data}"


def _winner(run: Run) -> list[Figure]:
    result = run.result
    split, test = result.split, result.best.get("test")
    query = next((trial.query for trial in run.trials if trial.architecture == result.best.architecture), None)
    where = "" if query is None else f"found at query {query}"
    figures = [Figure(f"{split_name(split)} accuracy", percent(result.best[split]), where)]
    if split != "test" and test is not None:
        figures.append(Figure("test accuracy", percent(test), "of the same cell, not searched on"))
    if result.regret is not None:
        optimum = f"the best of the table: {percent(result.optimum[split])}"
        figures.append(Figure("regret", f"{result.regret:.2f} points", optimum))
    return figures


def _oracle(result: Record) -> str | None:
    """Return the sentence about the best test accuracy among what was measured, where it is another cell's."""
    if result.oracle is None or result.best is None or result.split == "test":
        return None
    if result.oracle.architecture == result.best.architecture:
        return "No other measured cell has a higher test accuracy."
    return (
        f"The highest test accuracy among the measured cells is {percent(result.oracle.test)}. It is told apart, since "
        "choosing that cell would take the test images."
    )
