"""Reading run folders."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from surrogate_nas.errors import RunFolderError
from surrogate_nas.report.run import SHOWN, Measured, Run, Trial, evenly, read_run
from tests.report.conftest import ARCHITECTURES, trials, write_trials


def test_a_search_is_read_with_its_trials(search_folder: Path) -> None:
    run = read_run(search_folder)
    assert run.result.sampler == "surrogate"
    assert run.configuration == "budget: 12\nseed: 7\n"
    assert run.trials[3] == Trial(ARCHITECTURES[3], 90.2, 89.7, 0.6, query=4, best=90.2, seconds=3600.0)


def test_a_failed_measurement_and_a_missing_prediction_are_none(search_folder: Path) -> None:
    failed = read_run(search_folder).trials[10]
    assert (failed.measured, failed.predicted, failed.best) == (None, None, 91.4)


@pytest.mark.parametrize("word", ["nan", "inf", ""])
def test_what_is_not_finite_is_none(search_folder: Path, word: str) -> None:
    write_trials(search_folder, [{**trials()[0], "valid": word}])
    assert read_run(search_folder).trials[0].measured is None


def test_a_fit_is_read_with_its_predictions(fit_folder: Path) -> None:
    run = read_run(fit_folder)
    assert run.predictions[3] == Measured(ARCHITECTURES[3], 90.2, 89.7, 0.6)
    assert run.trials == ()


def test_a_fit_without_predictions_is_whole(fit_folder: Path) -> None:
    (fit_folder / "predictions.csv").unlink()
    assert read_run(fit_folder).predictions == ()


def test_the_queries_that_raised_the_best_so_far(search_folder: Path) -> None:
    assert read_run(search_folder).improvements == {1, 2, 4, 6, 9}


def test_a_long_search_shows_evenly_spaced_trials_and_every_improvement(search_folder: Path) -> None:
    (first, *_) = read_run(search_folder).trials
    long = tuple(
        Trial(first.architecture, 90.0, None, None, query=query, best=90.0 if query < 1002 else 91.0, seconds=None)
        for query in range(1, 2 * SHOWN + 1)
    )
    shown = [trial.query for trial in Run(read_run(search_folder).result, "", long).shown]
    assert shown[:3] == [1, 3, 5]
    assert 1002 in shown
    assert len(shown) == SHOWN + 1


def test_a_short_list_is_shown_whole() -> None:
    assert list(evenly(range(SHOWN))) == list(range(SHOWN))
    assert list(evenly([])) == []


@pytest.mark.parametrize("file", ["result.json", "config.yaml", "trials.csv"])
def test_a_missing_file_is_named(search_folder: Path, file: str) -> None:
    (search_folder / file).unlink()
    with pytest.raises(RunFolderError, match=rf"cannot read .*{file} \(No such file or directory\)"):
        read_run(search_folder)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="needs the folder that a finished job left"):
        read_run(tmp_path / "nowhere")


@pytest.mark.parametrize("text", ['{"job": "search"', "", "\x00"])
def test_a_torn_result_is_no_json(search_folder: Path, text: str) -> None:
    (search_folder / "result.json").write_text(text)
    with pytest.raises(RunFolderError, match="is no JSON"):
        read_run(search_folder)


def test_a_binary_file_is_no_text(search_folder: Path) -> None:
    (search_folder / "config.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RunFolderError, match="it is no text"):
        read_run(search_folder)


@pytest.mark.parametrize("text", ["[]", "{}", '{"job": "cook"}', '{"job": ["search"]}', "3"])
def test_a_foreign_result_is_told_what_reports_are_made_of(search_folder: Path, text: str) -> None:
    (search_folder / "result.json").write_text(text)
    with pytest.raises(RunFolderError, match="reports are made of search, fit, compare, verify"):
        read_run(search_folder)


def test_missing_keys_are_named(search_folder: Path) -> None:
    result = json.loads((search_folder / "result.json").read_text())
    del result["optimum"], result["machine"]
    (search_folder / "result.json").write_text(json.dumps(result))
    with pytest.raises(RunFolderError, match="lacks machine, optimum; run the search again"):
        read_run(search_folder)


def test_missing_columns_are_named(search_folder: Path) -> None:
    write_trials(search_folder, [{"query": 1, "architecture": ARCHITECTURES[0]}])
    with pytest.raises(RunFolderError, match="lacks the columns valid, best_valid, seconds, predicted, predicted_std"):
        read_run(search_folder)


def test_queries_that_were_cut_off_are_missed(search_folder: Path) -> None:
    path = search_folder / "trials.csv"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:6]))
    with pytest.raises(
        RunFolderError, match=r"trials\.csv holds 5 of 12 queries, so it was cut off; run the search again"
    ):
        read_run(search_folder)


def test_a_word_in_place_of_a_number_is_quoted(search_folder: Path) -> None:
    write_trials(search_folder, [{**trials()[0], "valid": "ninety"}])
    with pytest.raises(RunFolderError, match="expected a number in a CSV file of the run, got 'ninety'"):
        read_run(search_folder)
