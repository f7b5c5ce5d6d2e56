"""Training: reproducible, independent of what runs beside it, and honest about failure."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path

import pytest
import torch

from surrogate_nas.errors import DivergedError, SettingError
from surrogate_nas.space import NB201
from surrogate_nas.split import Split
from surrogate_nas.verification.data import digits
from surrogate_nas.verification.recipe import Recipe
from surrogate_nas.verification.trainer import train
from surrogate_nas.verification.verify import summarise, verify

CELL = NB201.parse("|nor_conv_1x1~0|+|none~0|skip_connect~1|+|none~0|none~1|avg_pool_3x3~2|")
TINY = Recipe(epochs=2, batch_size=64, learning_rate=0.05, channels=4, cells_per_stage=1, flip=False, crop_padding=0)
few_digits = partial(digits, train=200, views=1)


def test_the_same_seed_gives_the_same_training_and_leaves_the_global_generator_alone() -> None:
    before = torch.random.get_rng_state()
    one, same, other = (train(CELL, few_digits(), TINY, seed=seed) for seed in (5, 5, 6))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert one.losses == same.losses
    assert one.accuracy == same.accuracy
    assert one.losses != other.losses


def test_training_learns() -> None:
    cell = NB201.parse("|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|skip_connect~2|")
    result = train(cell, digits(train=1500, views=1), Recipe(**{**vars(TINY), "epochs": 4, "channels": 8}), seed=1)
    assert result.losses[-1] < result.losses[0] < math.log(10) + 0.5  # guessing among ten classes costs ln 10
    assert set(result.accuracy) == {Split.VALID, Split.TEST}
    assert result.accuracy[Split.VALID] > 20  # guessing gives 10 percent; 450 images give it a deviation of 1.4


def test_learning_rate_falls_with_a_cosine_once_an_epoch() -> None:
    recipe = Recipe()
    assert recipe.learning_rate_at(0) == pytest.approx(0.1)
    assert recipe.learning_rate_at(100) == pytest.approx(0.05)
    assert recipe.learning_rate_at(50) == pytest.approx(0.05 * (1 + math.cos(math.pi / 4)))


@pytest.mark.parametrize(
    "change", [{"epochs": 0}, {"batch_size": 0}, {"learning_rate": float("nan")}, {"weight_decay": -1.0}]
)
def test_impossible_recipes_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(SettingError, match="must be a finite number of at least"):
        Recipe(**change)


def test_a_training_that_diverges_says_so() -> None:
    with pytest.raises(DivergedError, match=r"seed 1 diverged: loss nan .* Lower learning_rate \(1e\+30\)"):
        train(CELL, few_digits(), Recipe(**{**vars(TINY), "learning_rate": 1e30}), seed=1)


def test_workers_do_not_change_the_result_and_a_failure_does_not_end_the_rest(tmp_path: Path) -> None:
    cells = NB201.parse([CELL.text, "|none~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|"])
    alone = verify(cells, few_digits, TINY, seeds=[1, 2], workers=1, folder=tmp_path)
    together = verify(cells, few_digits, TINY, seeds=[1, 2], workers=2)
    for one, other in zip(alone, together, strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}
    assert verify(cells, few_digits, TINY, seeds=[1, 2], folder=tmp_path) == alone  # remembered, not trained again
    diverging = Recipe(**{**vars(TINY), "learning_rate": 1e30})
    failed = verify(cells, few_digits, diverging, seeds=[1], workers=1)
    assert [record.valid for record in failed] == [None, None]
    assert all("diverged" in record.failure for record in failed)


def test_summary_gives_mean_and_sample_deviation_over_seeds() -> None:
    from surrogate_nas.record import Record

    def training(seed: int, valid: float | None, failure: str | None = None) -> Record:
        return Record(architecture="a", seed=seed, valid=valid, test=valid, seconds=1.0, failure=failure)

    (cell,) = summarise([training(1, 60.0), training(2, 64.0), training(3, None, "diverged")])
    assert cell.valid.mean == 62.0
    assert cell.valid.std == pytest.approx(math.sqrt(8))
    assert cell.failures == ["diverged"]
    assert summarise([training(1, 60.0)])[0].valid.std is None


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_trains_the_same_network() -> None:
    on_cpu, on_gpu = (train(CELL, few_digits(), TINY, seed=3, device=device) for device in ("cpu", "cuda"))
    assert on_gpu.losses == pytest.approx(on_cpu.losses, rel=1e-2)  # float32 sums in another order, two epochs apart
