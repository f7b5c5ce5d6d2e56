"""Run folders as jobs leave them; every accuracy and time in them is synthetic."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from surrogate_nas.record import write_csv, write_json
from surrogate_nas.report import write_report
from surrogate_nas.report.run import Run, read_run
from surrogate_nas.space import NB201

ACCURACIES = [88.0, 89.5, 9.71, 90.2, 90.0, 91.1, 90.7, 89.9, 91.4, 91.3, None, 90.8]  # synthetic, percent
ARCHITECTURES = NB201.enumerate()[range(0, 12 * 1249, 1249)].texts
WINNER = ARCHITECTURES[8]
COMMON = {
    "command": "surrogate-nas search table=synthetic budget=12 seed=7",
    "started": "2026-02-03T10:11:12+00:00",
    "versions": {"surrogate-nas": "0.1.0", "torch": "2.6.0", "xgboost": None},
    "machine": {"processor": "x86_64", "cores": 2, "python": "3.11.2", "platform": "Linux"},
    "space": "nb201",
    "seed": 7,
    "table": "synthetic",
    "dataset": "toy",
    "split": "valid",
    "epochs": 12,
    "provenance": {
        "version": "1",
        "source": "synthetic numbers",
        "licence": "MIT",
        "citation": "nobody: Nothing, 2026",
    },
}


def trials() -> list[dict[str, Any]]:
    best, rows = 0.0, []
    for query, (text, accuracy) in enumerate(zip(ARCHITECTURES, ACCURACIES, strict=True), start=1):
        best = max(best, accuracy or 0.0)
        predicted = None if accuracy is None or query < 3 else accuracy + (0.5 if query % 2 else -0.5)
        rows.append(
            {
                "query": query,
                "architecture": text,
                "valid": accuracy,
                "best_valid": best,
                "seconds": 3600.0,
                "predicted": predicted,
                "predicted_std": None if predicted is None else 0.6,
            }
        )
    return rows


def verified(architecture: str) -> dict[str, Any]:
    return {
        "architecture": architecture,
        "seeds": [1, 2, 3],
        "valid": {"mean": 91.0, "std": 0.25},
        "test": {"mean": 93.5, "std": 0.125},
        "table": {"valid": 91.4, "test": 94.0},
        "seconds": 7200.0,
        "failures": [],
    }


def search_result() -> dict[str, Any]:
    growth = [85.0 + 0.4 * query for query in range(12)]
    return {
        "job": "search",
        **COMMON,
        "sampler": "surrogate",
        "budget": 12,
        "queries": 12,
        "candidates": 1200,
        "best": {"architecture": WINNER, "valid": 91.4, "test": 94.0},
        "oracle": {"architecture": ARCHITECTURES[9], "test": 94.25},
        "optimum": {"valid": 91.61},
        "regret": 0.21,
        "seconds": {"wall": 30.0, "training": 12 * 3600.0, "training_all": 1200 * 3600.0},
        "random_search": {
            "mean": growth,
            "low": [mean - 2.0 for mean in growth],
            "high": [mean + 1.0 for mean in growth],
        },
        "verification": [verified(WINNER)],
    }


def fit_result() -> dict[str, Any]:
    metrics = {"kendall_tau": {"mean": 0.75, "std": 0.02}, "precision_at_1pct": {"mean": 0.4, "std": None}}
    fitted = {"protocol": "A", "predictor": "ensemble", "train_size": 78, "draws": 3, "metrics": metrics}
    return {"job": "fit", **COMMON, **fitted}


def verify_result() -> dict[str, Any]:
    kept = ("command", "started", "versions", "machine", "space")
    trained = {**verified(WINNER), "table": None, "seeds": [1], "test": {"mean": 93.5, "std": None}}
    return {
        "job": "verify",
        **{key: COMMON[key] for key in kept},
        "data": "digits",
        "recipe": "digits",
        "verification": [trained],
    }


def write_run(folder: Path, result: dict[str, Any]) -> Path:
    """Write what a job leaves: its result and configuration, the trials of a search, the predictions of a fit."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "result.json", result)
    (folder / "config.yaml").write_text("budget: 12\nseed: 7\n", encoding="utf-8")
    if result["job"] == "search":
        write_csv(folder / "trials.csv", trials())
    if result["job"] == "fit":
        rows = [{"measured" if key == "valid" else key: value for key, value in row.items()} for row in trials()]
        columns = ("architecture", "measured", "predicted", "predicted_std")
        write_csv(folder / "predictions.csv", [{column: row[column] for column in columns} for row in rows])
    return folder


def write_trials(folder: Path, rows: list[dict[str, Any]]) -> None:
    """Write these queries in place of those of a search."""
    write_csv(folder / "trials.csv", rows)
    result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    write_json(folder / "result.json", {**result, "queries": len(rows)})


@pytest.fixture
def search_folder(tmp_path: Path) -> Path:
    return write_run(tmp_path / "search", search_result())


@pytest.fixture
def fit_folder(tmp_path: Path) -> Path:
    return write_run(tmp_path / "fit", fit_result())


@pytest.fixture
def verify_folder(tmp_path: Path) -> Path:
    return write_run(tmp_path / "verify", verify_result())


@pytest.fixture
def run_of(tmp_path: Path) -> Callable[..., Run]:
    """Return a run whose result is changed in some keys: ``run_of(search_result(), best=None)``."""

    def changed(result: dict[str, Any], **changes: Any) -> Run:
        return read_run(write_run(tmp_path / "changed", {**result, **changes}))

    return changed


@pytest.fixture
def page_of(tmp_path: Path) -> Callable[..., str]:
    """Return the page of a run whose result is changed in some keys."""

    def changed(result: dict[str, Any], **changes: Any) -> str:
        folder = write_run(tmp_path / "changed", {**result, **changes})
        return write_report(folder).read_text(encoding="utf-8")

    return changed


def plotted(specification: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows that a plot draws."""
    rows: list[dict[str, Any]] = specification["data"]["values"]
    return rows
