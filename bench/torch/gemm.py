"""PyTorch's side of bench/gemm.ts."""

import platform
import time

import torch

from side import serve

operands = {}


def open_side(threads):
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    return {"versions": {"torch": torch.__version__, "python": platform.python_version()}}


@torch.no_grad()
def measure(op, shape, seconds):
    """Seconds of one product, mean over at least `seconds`. The result goes into the same memory every time."""
    m, n, k = shape
    key = (op, *shape)
    if key not in operands:
        a = torch.rand(m, k)
        b = torch.rand(k, n) if op == "matMul" else torch.rand(n, k).t()
        operands.clear()
        operands[key] = (a, b, torch.empty(m, n))
    a, b, out = operands[key]
    torch.mm(a, b, out=out)
    count = 0
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        torch.mm(a, b, out=out)
        count += 1
    return {"seconds": (time.perf_counter() - start) / count}


serve({"open": open_side, "measure": measure})
