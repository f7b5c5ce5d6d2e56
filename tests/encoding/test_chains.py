"""The costs of a chain of layers: counted by hand, and as published."""

from __future__ import annotations

from pathlib import Path

import pytest

from surrogate_nas.encoding.costs import flops, parameters
from surrogate_nas.space import NATS_SIZE
from surrogate_nas.table.curves import CurveWriter
from surrogate_nas.table.importers.nats import import_size


def test_costs_of_equal_widths_are_those_counted_by_hand() -> None:
    narrow = NATS_SIZE.parse("8:8:8:8:8")
    convolution, block, head = 9 * 8 * 8, 2 * 9 * 8 * 8 + 8 * 8, 8 * 10 + 10
    norms = 1 + 3 * 5 + 2 * 2 + 1  # after the stem, in three cells and two blocks, before the classifier
    assert parameters(narrow).tolist() == [27 * 8 + 15 * convolution + 2 * block + 16 * norms + head]
    areas = 1024 * (27 * 8 + 5 * convolution) + 256 * (block + 5 * convolution) + 64 * (block + 5 * convolution)
    assert flops(narrow).tolist() == [areas + head]


@pytest.mark.parametrize(
    ("dataset", "classes", "image_size"), [("cifar10", 10, 32), ("cifar100", 100, 32), ("ImageNet16-120", 120, 16)]
)
def test_costs_are_those_that_nats_bench_publishes(
    dataset: str, classes: int, image_size: int, real_data: Path, tmp_path: Path
) -> None:
    source = real_data / "official_samples" / "NATS-sss-v1_0-50262-simple"
    with CurveWriter(tmp_path / "curves.parquet") as curves:
        table = import_size(source, "size", curves)
    counted = parameters(table.population, classes=classes)
    assert counted / 1e6 == pytest.approx(table.cost("parameters_millions", dataset=dataset), rel=1e-9)
    counted = flops(table.population, classes=classes, image_size=image_size)
    assert counted / 1e6 == pytest.approx(table.cost("flops_millions", dataset=dataset), rel=1e-9)
