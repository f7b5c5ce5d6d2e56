"""The micro cell of TransNAS-Bench-101 (Duan et al., CVPR 2021): NAS-Bench-201's without pooling."""

from __future__ import annotations

from surrogate_nas.space.cell import CellSpace

TRANSNAS = CellSpace(
    name="transnas",
    operations=("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3"),
)
