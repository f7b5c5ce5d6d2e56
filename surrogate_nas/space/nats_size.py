"""The size space of NATS-Bench (Dong et al., TPAMI 2021): the widths of five layers, 32,768 architectures."""

from __future__ import annotations

from surrogate_nas.space.widths import WidthSpace

NATS_SIZE = WidthSpace(name="nats-size", widths=(8, 16, 24, 32, 40, 48, 56, 64), layers=5)
