#!/usr/bin/env python3
"""Times PyTorch's training of the MNIST CNN on the CPU: the baseline for Metron's training speed.

Prints one JSON line. The images are normalized and in memory before timing starts. A step gathers a shuffled
batch, runs forward with dropout and backward, and applies the Adadelta update.
"""
import argparse
import json
import os
import re
import sys
import time
from pathlib import Path

try:
    import torch
except ImportError as error:
    sys.exit(f"error: this interpreter has no PyTorch ({error}); on Debian: apt install python3-torch, then /usr/bin/python3")

# One definition of the model and of the data, shared with the reference losses.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "reference"))
from make_mnist_losses import DATA, build_model, load_training_set  # noqa: E402


def shuffled_batches(images, labels, size):
    """Yields full batches indefinitely, reshuffled every epoch."""
    while True:
        order = torch.randperm(len(images))
        for begin in range(0, len(images) - size + 1, size):
            rows = order[begin:begin + size]
            yield images[rows], labels[rows]


def make_step(images, labels, batch_size):
    """A function that trains one step of a fresh model."""
    model = build_model().train()
    optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0, rho=0.9, eps=1e-6)
    batches = shuffled_batches(images, labels, batch_size)

    def step():
        x, target = next(batches)
        optimizer.zero_grad(set_to_none=True)
        loss = torch.nn.functional.nll_loss(model(x), target)
        loss.backward()
        optimizer.step()
        return loss
    return step


def loaded_blas():
    """The BLAS that PyTorch actually uses: Debian's default, the reference Fortran BLAS, slows down the linear layers."""
    try:
        maps = Path("/proc/self/maps").read_text()
    except OSError:
        return "unknown"
    names = {os.path.basename(path) for path in re.findall(r"/\S*(?:blas|mkl_)\S*\.so\S*", maps)}
    return " ".join(sorted(names)) or "built in"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=20, help="how long to time (default: 20)")
    parser.add_argument("--warmup", type=int, default=10, help="untimed steps before (default: 10)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the gzipped IDX files (default: the MNIST example's)")
    args = parser.parse_args()
    if args.threads < 1 or args.warmup < 0 or not args.seconds > 0:
        parser.error("--threads and --seconds must be positive, --warmup not negative")

    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    images, labels = load_training_set(args.data)
    if not 1 <= args.batch_size <= len(images):
        parser.error(f"--batch-size must be from 1 to {len(images)}")
    step = make_step(images, labels, args.batch_size)
    for _ in range(args.warmup):
        step()

    steps, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < args.seconds:
        step()
        steps += 1
    print(json.dumps({"samples_per_s": round(steps * args.batch_size / elapsed, 1), "batch_size": args.batch_size, "steps": steps,
                      "torch": torch.__version__, "threads": args.threads, "blas": loaded_blas()}))


if __name__ == "__main__":
    main()
