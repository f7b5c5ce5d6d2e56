"""On how many images networks were trained, as far as the source of a table tells."""

from __future__ import annotations

from surrogate_nas.split import Split
from surrogate_nas.table.table import Table

# Benchmarks, by how the source of a table begins, that train on 25,000 images of CIFAR-10 for validation accuracies,
# and on all 50,000 for test accuracies (Dong and Yang, "NAS-Bench-201", ICLR 2020, section 2.2). Both accuracies of
# their other data sets are of the same trainings.
BENCHMARKS = ("NAS-Bench-201", "NATS-Bench")
HALVED = "cifar10"
HALF, WHOLE = 25_000, 50_000


def growth_to_test(table: Table, dataset: str, split: Split) -> float:
    """Return on how many times the images of a split's accuracies networks were trained for test accuracies.

    One where both are of the same trainings, and where the source does not tell.
    """
    source = str(table.provenance.get("source", ""))
    halved = dataset == HALVED and split is Split.VALID and source.startswith(BENCHMARKS)
    return WHOLE / HALF if halved else 1.0
