"""The contract of every predictor. A new one is one line in ``PREDICTORS``."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from surrogate_nas.errors import InvalidArchitectureError, NotFittedError, SavedPredictorError, TargetError
from surrogate_nas.predictor import Prediction, Predictor, load_saved_predictor, predictor_class
from surrogate_nas.predictor.additive import Additive
from surrogate_nas.predictor.boosted import Boosted
from surrogate_nas.predictor.distilled import Distilled
from surrogate_nas.predictor.ensemble import Ensemble
from surrogate_nas.predictor.gaussian_process import GaussianProcess
from surrogate_nas.predictor.graph import Graph
from surrogate_nas.predictor.multitask import MultiTask
from surrogate_nas.predictor.transfer import Transfer
from surrogate_nas.space import NB201, Population, concatenate
from tests.encoding.other_space import OTHER

# Small ones: the contract does not depend on how well they predict.
PREDICTORS: dict[str, Callable[[], Predictor]] = {
    "boosted": lambda: Boosted(members=2, trees=20),
    "graph": lambda: Graph(members=2, layers=1, width=8, steps=40),
    "gaussian_process": GaussianProcess,
    "additive": lambda: Additive(target="accuracy"),
    "transfer": lambda: Transfer(GaussianProcess(), ["nb201-digits"]),
    "multitask": lambda: MultiTask(members=2, layers=1, width=8, steps=40),
    "distilled": lambda: Distilled(GaussianProcess(), [{"dataset": "toy"}]),
    "ensemble": lambda: Ensemble([Boosted(members=2, trees=20, bagging=True), GaussianProcess(by_kind=True)]),
}

MEASURED = NB201.sample(40, rng=np.random.default_rng(0))
OTHERS = NB201.sample(60, rng=np.random.default_rng(1))

pytestmark = pytest.mark.parametrize("name", PREDICTORS)


def merit(population: Population) -> np.ndarray:
    """An invented accuracy: 3x3 convolutions are good, zeros are bad."""
    return 60.0 + 3 * (population.decisions == 3).sum(axis=1) - 4 * (population.decisions == 0).sum(axis=1)


def fitted(name: str, n: int = 40, seed: int = 3) -> Predictor:
    return PREDICTORS[name]().fit(MEASURED[:n], merit(MEASURED[:n]), rng=np.random.default_rng(seed))


def same(one: Prediction, other: Prediction) -> bool:
    return np.array_equal(one.mean, other.mean) and np.array_equal(one.std, other.std)


def altered(path: Path, *, metadata: dict[str, str] | None = None, tensor: str | None = None) -> Path:
    """Write a saved predictor again, with other metadata or with a bit of one tensor turned."""
    with safe_open(path, framework="numpy") as file:
        state = {key: file.get_tensor(key).copy() for key in file.keys()}  # noqa: SIM118 (no mapping)
        known = file.metadata()
    if tensor is not None:
        state[tensor].view(np.uint8).reshape(-1)[-1] ^= 1
    save_file(state, path, metadata={**known, **(metadata or {})})
    return path


def test_fit_returns_the_predictor_and_predictions_are_finite(name: str) -> None:
    predictor = PREDICTORS[name]()
    assert predictor.fit(MEASURED, merit(MEASURED), rng=np.random.default_rng(0)) is predictor
    prediction = predictor.predict(OTHERS)
    assert prediction.mean.shape == prediction.std.shape == (60,)
    assert prediction.mean.dtype == prediction.std.dtype == np.float64
    assert np.isfinite(prediction.mean).all()
    assert np.isfinite(prediction.std).all()
    assert (prediction.std >= 0).all()


def test_predictions_follow_the_targets(name: str) -> None:
    prediction = fitted(name).predict(MEASURED)
    assert np.corrcoef(prediction.mean, merit(MEASURED))[0, 1] > 0.5


def test_predicted_accuracies_are_percentages(name: str) -> None:
    targets = np.linspace(99, 100, 40)
    prediction = PREDICTORS[name]().fit(MEASURED, targets, rng=np.random.default_rng(0)).predict(OTHERS)
    assert (prediction.mean <= 100).all()


def test_same_generator_same_predictions(name: str) -> None:
    assert same(fitted(name).predict(OTHERS), fitted(name).predict(OTHERS))


def test_global_generators_neither_matter_nor_change(name: str) -> None:
    import torch

    expected = fitted(name).predict(OTHERS)
    torch.manual_seed(123)
    np.random.seed(123)  # noqa: NPY002 (the legacy generator is what is tested)
    before = torch.get_rng_state(), np.random.get_state()[1].tolist()  # noqa: NPY002
    assert same(fitted(name).predict(OTHERS), expected)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.random.get_state()[1].tolist() == before[1]  # noqa: NPY002


def test_number_of_torch_threads_stays_and_does_not_matter(name: str) -> None:
    import torch

    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        two = fitted(name).predict(OTHERS)
        assert torch.get_num_threads() == 2
        torch.set_num_threads(1)
        assert same(fitted(name).predict(OTHERS), two)
    finally:
        torch.set_num_threads(before)


def test_equal_functions_get_equal_predictions(name: str, everything: Population) -> None:
    prediction = fitted(name).predict(everything)
    _, first, member = np.unique(everything.key, return_index=True, return_inverse=True)
    assert same(prediction, Prediction(prediction.mean[first][member], prediction.std[first][member]))


def test_a_prediction_does_not_depend_on_what_is_predicted_beside_it(name: str) -> None:
    predictor = fitted(name)
    together, alone = predictor.predict(OTHERS), predictor.predict(OTHERS[:1])
    assert together.mean[0] == pytest.approx(alone.mean[0], rel=1e-5)
    assert together.std[0] == pytest.approx(alone.std[0], rel=1e-3, abs=1e-6)


def test_nothing_is_predicted_of_nothing(name: str) -> None:
    assert len(fitted(name).predict(OTHERS[:0])) == 0


@pytest.mark.parametrize("n", [1, 2])
def test_one_or_two_labels_are_enough(name: str, n: int) -> None:
    prediction = fitted(name, n).predict(OTHERS)
    assert np.isfinite(prediction.mean).all()
    assert np.isfinite(prediction.std).all()


def test_two_labels_of_one_function_are_enough(name: str, everything: Population) -> None:
    twins = everything[np.flatnonzero(everything.key == everything.key[3])[:2]]
    prediction = PREDICTORS[name]().fit(twins, [50.0, 60.0], rng=np.random.default_rng(0)).predict(OTHERS)
    assert np.isfinite(prediction.mean).all()


def test_equal_targets_teach_nothing(name: str) -> None:
    with pytest.raises(TargetError, match=r"all 40 targets are 70.*measured otherwise"):
        PREDICTORS[name]().fit(MEASURED, np.full(40, 70.0), rng=np.random.default_rng(0))


def test_two_equal_targets_are_predicted_back(name: str) -> None:
    prediction = PREDICTORS[name]().fit(MEASURED[:2], [70.0, 70.0], rng=np.random.default_rng(0)).predict(OTHERS)
    assert prediction.mean == pytest.approx(70, abs=15)
    assert np.isfinite(prediction.std).all()


def test_an_architecture_with_two_different_targets_is_refused(name: str) -> None:
    population = concatenate([MEASURED, MEASURED[3:4]])
    with pytest.raises(TargetError, match=r"has the targets .* and 12; give each architecture once"):
        PREDICTORS[name]().fit(population, np.append(merit(MEASURED), 12.0), rng=np.random.default_rng(0))
    repeated = np.append(merit(MEASURED), merit(MEASURED)[3])
    assert len(PREDICTORS[name]().fit(population, repeated, rng=np.random.default_rng(0)).predict(OTHERS)) == 60


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_targets_that_are_not_finite_are_refused(name: str, wrong: float) -> None:
    targets = np.append(merit(MEASURED[:-1]), wrong)
    with pytest.raises(TargetError, match="finite"):
        PREDICTORS[name]().fit(MEASURED, targets, rng=np.random.default_rng(0))


@pytest.mark.parametrize("shape", [(39,), (41,), (40, 1, 1), ()])
def test_targets_of_another_shape_are_refused(name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(TargetError, match="40 architectures"):
        PREDICTORS[name]().fit(MEASURED, np.ones(shape), rng=np.random.default_rng(0))


@pytest.mark.parametrize("targets", [np.linspace(-1.0, 90, 40), np.linspace(20, 100.5, 40)])
def test_accuracies_outside_the_percentages_are_refused(name: str, targets: np.ndarray) -> None:
    with pytest.raises(TargetError, match="0 to 100"):
        PREDICTORS[name]().fit(MEASURED, targets, rng=np.random.default_rng(0))


def test_no_labels_are_refused(name: str) -> None:
    with pytest.raises(InvalidArchitectureError, match="at least one"):
        PREDICTORS[name]().fit(MEASURED[:0], [], rng=np.random.default_rng(0))


@pytest.mark.parametrize("weights", [np.zeros(40), np.full(40, -1.0), np.ones(3), np.full(40, np.nan)])
def test_wrong_weights_are_refused(name: str, weights: np.ndarray) -> None:
    with pytest.raises(TargetError, match="weights"):
        PREDICTORS[name]().fit(MEASURED, merit(MEASURED), weights=weights, rng=np.random.default_rng(0))


def test_only_the_ratios_of_weights_matter(name: str) -> None:
    one, other = (
        PREDICTORS[name]().fit(MEASURED, merit(MEASURED), weights=weights, rng=np.random.default_rng(0))
        for weights in (np.ones(40), np.full(40, 2.0))
    )
    assert same(one.predict(OTHERS), other.predict(OTHERS))


def test_labels_of_little_weight_matter_little(name: str, everything: Population) -> None:
    # Every function is measured twice, once right and once upside down; the weight says which one counts.
    twins = everything[np.argsort(everything.key, kind="stable")]
    pairs = np.flatnonzero(twins.key[1:] == twins.key[:-1])
    one = np.random.default_rng(0).choice(pairs, 40, replace=False)
    one = one[np.unique(twins[one].key, return_index=True)[1]]
    right = merit(NB201.represent(twins[one]))
    population = concatenate([twins[one], twins[one + 1]])
    targets, weights = np.concatenate([right, 120 - right]), np.repeat([1.0, 1e-4], len(one))
    predictor = PREDICTORS[name]().fit(population, targets, weights=weights, rng=np.random.default_rng(0))
    assert np.corrcoef(predictor.predict(twins[one]).mean, right)[0, 1] > 0.5


def test_architectures_of_another_space_are_refused(name: str) -> None:
    with pytest.raises(InvalidArchitectureError, match=r"'nb201'.*'other'"):
        fitted(name).predict(OTHER.sample(2, rng=np.random.default_rng(0)))


def test_an_unfitted_predictor_says_so(name: str, tmp_path: Path) -> None:
    predictor = PREDICTORS[name]()
    with pytest.raises(NotFittedError, match=name):
        predictor.predict(OTHERS)
    with pytest.raises(NotFittedError, match=name):
        predictor.save(tmp_path / "predictor")


def test_a_saved_predictor_predicts_the_same(name: str, tmp_path: Path) -> None:
    predictor = fitted(name)
    predictor.save(tmp_path / "folder" / "predictor.safetensors")
    loaded = load_saved_predictor(tmp_path / "folder" / "predictor.safetensors")
    assert type(loaded) is type(predictor)
    assert loaded.settings() == predictor.settings()
    assert same(loaded.predict(OTHERS), predictor.predict(OTHERS))
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["predictor.safetensors"]


def test_a_saved_predictor_predicts_the_same_in_another_process(name: str, tmp_path: Path) -> None:
    predictor = fitted(name)
    predictor.save(tmp_path / "predictor")
    program = (
        "import sys; from surrogate_nas.predictor import load_saved_predictor; from surrogate_nas.space import NB201\n"
        "prediction = load_saved_predictor(sys.argv[1]).predict(NB201.parse(sys.argv[2:]))\n"
        "print(*map(float.hex, prediction.mean.tolist()))"
    )
    output = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "predictor"), *OTHERS.texts],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert output.stdout.split() == [float.hex(mean) for mean in predictor.predict(OTHERS).mean.tolist()]


def test_a_loaded_predictor_can_be_saved_and_fitted_again(name: str, tmp_path: Path) -> None:
    fitted(name).save(tmp_path / "first")
    loaded = load_saved_predictor(tmp_path / "first")
    loaded.save(tmp_path / "second")
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()
    loaded.fit(MEASURED, merit(MEASURED), rng=np.random.default_rng(3))
    assert same(loaded.predict(OTHERS), fitted(name).predict(OTHERS))


@pytest.mark.parametrize("kept", [0.0, 0.01, 0.5, 0.99])
def test_a_truncated_file_is_refused(name: str, kept: float, tmp_path: Path) -> None:
    path = tmp_path / "predictor"
    fitted(name).save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(SavedPredictorError, match="fit and save"):
        load_saved_predictor(path)


def test_one_turned_bit_in_any_array_is_noticed(name: str, tmp_path: Path) -> None:
    fitted(name).save(tmp_path / "right")
    with safe_open(tmp_path / "right", framework="numpy") as file:
        tensors = list(file.keys())
    for tensor in tensors:
        path = tmp_path / "wrong"
        path.write_bytes((tmp_path / "right").read_bytes())
        with pytest.raises(SavedPredictorError, match="altered"):
            load_saved_predictor(altered(path, tensor=tensor))


@pytest.mark.parametrize(
    "header", ["", "{}", "[]", '{"version": 99}', '{"version": 1, "predictor": "oracle", "space": "nb201"}']
)
def test_a_file_of_another_kind_or_version_is_refused(name: str, header: str, tmp_path: Path) -> None:
    fitted(name).save(tmp_path / "predictor")
    with pytest.raises(SavedPredictorError):
        load_saved_predictor(altered(tmp_path / "predictor", metadata={"surrogate_nas": header}))


def test_changed_settings_are_noticed(name: str, tmp_path: Path) -> None:
    fitted(name).save(tmp_path / "predictor")
    with safe_open(tmp_path / "predictor", framework="numpy") as file:
        header = file.metadata()["surrogate_nas"]
    assert '"accuracy"' in header
    with pytest.raises(SavedPredictorError, match="altered"):
        load_saved_predictor(
            altered(tmp_path / "predictor", metadata={"surrogate_nas": header.replace('"accuracy"', '"value"')})
        )


def test_a_constructor_only_stores_its_arguments(name: str) -> None:
    kind = predictor_class(name)
    assert kind.name == name
    arguments = {
        parameter: object() for parameter in inspect.signature(kind.__init__).parameters if parameter != "self"
    }
    assert vars(kind(**arguments)) == arguments


def test_settings_make_an_equal_predictor(name: str) -> None:
    predictor = PREDICTORS[name]()
    twin = type(predictor).from_settings(predictor.settings())
    assert twin.settings() == predictor.settings()
    twin.fit(MEASURED, merit(MEASURED), rng=np.random.default_rng(3))
    assert same(twin.predict(OTHERS), fitted(name).predict(OTHERS))
