"""One thread for what is computed here."""

from __future__ import annotations

import torch

from surrogate_nas.threads import one_thread


def test_threads_are_set_again_afterwards() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with one_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
