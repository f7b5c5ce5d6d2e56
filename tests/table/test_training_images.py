"""Which tables say that networks were tested after training on more images than they were validated after."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surrogate_nas.split import Split
from surrogate_nas.table import Table
from surrogate_nas.table.importers import nas_bench_201, naslib, nats
from surrogate_nas.table.training_images import growth_to_test


@pytest.mark.parametrize("importer", [nas_bench_201, nats, naslib], ids=lambda importer: importer.__name__)
def test_the_official_benchmarks_test_cifar10_after_twice_the_images(importer: object, small_table: Table) -> None:
    table = replace(small_table, provenance=importer.PROVENANCE)  # type: ignore[attr-defined]
    assert growth_to_test(table, "cifar10", Split.VALID) == 2


@pytest.mark.parametrize(
    ("source", "dataset", "split"),
    [
        ("NATS-Bench", "cifar100", Split.VALID),
        ("NATS-Bench", "cifar10-25k", Split.VALID),
        ("NATS-Bench", "cifar10", Split.TRAIN),
        ("trained by surrogate_nas", "cifar10", Split.VALID),
        ("predicted by surrogate_nas from the table NATS-Bench", "cifar10", Split.VALID),
        (None, "cifar10", Split.VALID),
    ],
)
def test_all_others_are_of_the_same_trainings(
    source: str | None, dataset: str, split: Split, small_table: Table
) -> None:
    table = replace(small_table, provenance={} if source is None else {"source": source})
    assert growth_to_test(table, dataset, split) == 1
