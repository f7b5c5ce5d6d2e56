"""The journal file of a study: Optuna's format, read on from where it was read, never made anew by a worker."""

from __future__ import annotations

from pathlib import Path

import pytest
from optuna.storages.journal import JournalFileBackend

from surrogate_nas.search.journal import Journal

ONE, TWO, THREE = {"op_code": 1}, {"op_code": 2, "user_attr": {"a": "line\nbreak"}}, {"op_code": 3}


def opened(folder: Path) -> Journal:
    path = folder / "study.journal"
    path.touch()
    return Journal(path)


def test_what_another_worker_appends_is_read_on(tmp_path: Path) -> None:
    journal, other = opened(tmp_path), opened(tmp_path)
    journal.append_logs([ONE, TWO])
    assert list(journal.read_logs(0)) == [ONE, TWO]
    assert list(journal.read_logs(2)) == []
    other.append_logs([THREE])
    assert list(journal.read_logs(2)) == [THREE]
    assert list(journal.read_logs(1)) == [TWO, THREE]  # also from elsewhere than where it was read last


def test_optuna_reads_and_writes_the_same_file(tmp_path: Path) -> None:
    journal, theirs = opened(tmp_path), JournalFileBackend(str(tmp_path / "study.journal"))
    journal.append_logs([ONE, TWO])
    theirs.append_logs([THREE])
    assert list(theirs.read_logs(0)) == list(journal.read_logs(0)) == [ONE, TWO, THREE]


def test_an_entry_counts_from_its_last_byte_on(tmp_path: Path) -> None:
    journal, path = opened(tmp_path), tmp_path / "study.journal"
    journal.append_logs([ONE])
    line = b'{"op_code":2,"user_attr":{"a":"line\\nbreak"}}\n'
    with path.open("ab", buffering=0) as file:
        file.write(line[:9])
        assert list(journal.read_logs(0)) == [ONE]
        file.write(line[9:])
    assert list(journal.read_logs(1)) == [TWO]


def test_half_an_entry_of_a_killed_worker_is_removed_by_the_next(tmp_path: Path) -> None:
    journal, path = opened(tmp_path), tmp_path / "study.journal"
    journal.append_logs([ONE])
    with path.open("ab") as file:
        file.write(b'{"op_co')
    journal.append_logs([THREE])
    assert list(journal.read_logs(0)) == [ONE, THREE]


def test_entries_that_their_reader_refuses_were_read(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.append_logs([ONE, TWO, THREE])
    reading = journal.read_logs(0)
    assert next(reading) == ONE  # where a storage raises
    assert list(journal.read_logs(1)) == [TWO, THREE]


def test_a_file_that_is_away_is_no_new_one(tmp_path: Path) -> None:
    journal, path = opened(tmp_path), tmp_path / "study.journal"
    journal.append_logs([ONE])
    path.rename(tmp_path / "away")
    with pytest.raises(FileNotFoundError):
        journal.append_logs([TWO])
    with pytest.raises(FileNotFoundError):
        list(journal.read_logs(1))
    (tmp_path / "away").rename(path)
    assert list(journal.read_logs(1)) == []
