"""Run the command line where nothing but PyTorch, NumPy and Hydra is installed: ``python lean.py ARGUMENTS``.

Every other package that the project depends on is hidden, so that importing it fails as it does where it is missing.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

# What torch, numpy and hydra-core bring with them stays: PyYAML and OmegaConf among others.
HIDDEN = {
    *("altair", "jinja2", "markupsafe", "nas_201_api", "nats_bench", "optuna", "pandas", "PIL", "platformdirs"),
    *("pyarrow", "ray", "safetensors", "scipy", "sklearn", "sqlalchemy", "submitit", "tensorboard", "threadpoolctl"),
    *("torch_geometric", "tqdm", "vl_convert", "xgboost"),
}


class Hiding(PathFinder):
    """Finds what lies on the path, and nothing of what is hidden."""

    @classmethod
    def find_spec(
        cls, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return None if fullname.partition(".")[0] in HIDDEN else super().find_spec(fullname, path, target)


# Not under the condition below: the processes that train begin with this file, too.
sys.meta_path[:] = [Hiding if finder is PathFinder else finder for finder in sys.meta_path]

if __name__ == "__main__":
    from surrogate_nas.cli import main

    sys.exit(main(sys.argv[1:]))
