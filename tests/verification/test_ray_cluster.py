"""A Ray cluster: what a lost node was training is trained elsewhere, and counts once."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from surrogate_nas.errors import MissingExtraError, SettingError
from surrogate_nas.verification.executor import Job, Work
from surrogate_nas.verification.ray_cluster import RayExecutor
from surrogate_nas.verification.verify import verify
from tests.verification.small import CELLS, TINY, few_digits

STORE = 80 * 2**20  # Ray's least is 75 MiB


@pytest.mark.slow
@pytest.mark.filterwarnings("default::ResourceWarning", "ignore::FutureWarning")
def test_two_nodes_and_one_killed_midway_finish_everything_once(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="needs the extra ray")
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": STORE, "include_dashboard": False}
    )
    lost = cluster.add_node(num_cpus=1, object_store_memory=STORE)
    ray.init(address=cluster.address, log_to_driver=False)

    class KillingANode(RayExecutor):
        """Ends the second node when a training has begun on each: the second to begin."""

        def run(self, jobs: Any, work: Work, *, workers: int | None = None) -> Any:
            begun = set()
            for event in super().run(jobs, work, workers=workers):
                yield event
                begun.add((event.architecture, event.seed))
                if len(begun) == 2 and lost in cluster.list_all_nodes():
                    cluster.remove_node(lost, allow_graceful=False)

    try:
        records = verify(
            CELLS, few_digits, replace(TINY, epochs=20), seeds=[1, 2], executor=KillingANode(), folder=tmp_path
        )
        left = len(cluster.list_all_nodes())
    finally:
        ray.shutdown()
        cluster.shutdown()
    assert left == 1
    assert [record.failure for record in records] == [None] * 4
    assert [len(record.losses) for record in records] == [20] * 4
    journal = [json.loads(line) for line in (tmp_path / "verification.journal").read_text().splitlines()]
    assert sorted((line["architecture"], line["seed"]) for line in journal) == sorted(
        (text, seed) for text in CELLS.texts for seed in (1, 2)
    )


def test_a_cluster_that_does_not_answer_is_one_sentence() -> None:
    pytest.importorskip("ray", reason="needs the extra ray")
    with pytest.raises(SettingError, match=r"no Ray cluster answers at executor\.address=127\.0\.0\.1:1 \(.*refused"):
        list(RayExecutor(address="127.0.0.1:1").run([Job(CELLS[0], 1)], Work(few_digits, TINY)))


def test_a_missing_extra_and_impossible_numbers_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray", reason="needs the extra ray")
    with pytest.raises(SettingError, match=r"executor\.gpus must be at least 0, got -1"):
        RayExecutor(gpus=-1)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"executor=ray needs .* pip install 'surrogate-nas\[ray\]'"):
        RayExecutor()
