"""The NAS-Bench-201 cell (Dong and Yang, ICLR 2020), also NATS-Bench's topology space: 15,625 architectures."""

from __future__ import annotations

from surrogate_nas.space.cell import CellSpace

NB201 = CellSpace(
    name="nb201",
    operations=("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"),
)
