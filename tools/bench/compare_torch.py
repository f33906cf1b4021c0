#!/usr/bin/env python3
"""Training speed of the reference CNN: Metron against PyTorch on the CPU, interleaved in one run.

  python3 tools/bench/compare_torch.py [--rounds 5] [--batch-size 1 64] [--threads 2]

Needs a release build and PyTorch (Debian: python3-torch). Each round measures Metron, then PyTorch; prints
medians over the rounds and the median of the rounds' ratios. Metron's rate includes its data loader. PyTorch's
does not: its batches are slices of tensors in memory.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def fail(message):
    print(f"compare_torch: {message}", file=sys.stderr)
    sys.exit(2)


def run(command, environment):
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    if result.returncode != 0:
        fail(f"{' '.join(map(str, command))} failed:\n{result.stderr.strip()[-2000:]}")
    return result.stdout


def metron_rate(binary, batch_size, seconds, rate, threads, environment, *flags):
    """Samples per second over about `seconds`, sized by the last known rate."""
    images = max(batch_size * 20, min(60000, int(rate * seconds)))
    output = run(
        [binary, "--epochs", "1", "--batch-size", str(batch_size), "--train-limit", str(images), "--test-limit", "1",
         "--log-interval", "1000000", "--threads", str(threads), *flags],
        environment,
    )
    found = re.search(r"images in [\d.]+ s, (\d+) samples/s", output)
    if not found:
        fail(f"no rate in the output of {binary}:\n{output}")
    return float(found.group(1))


def torch_rate(batch_size, seconds, threads, environment):
    script = Path(__file__).with_name("torch_mnist.py")
    python = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable  # Debian's python3-torch is installed there
    output = run([python, script, "--batch-size", str(batch_size), "--seconds", str(seconds), "--threads", str(threads)],
                 environment)
    return float(json.loads(output.strip().splitlines()[-1])["samples_per_s"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch-size", type=int, nargs="+", default=[64, 1])
    parser.add_argument("--seconds", type=float, default=8, help="per measurement")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--binary", type=Path, default=ROOT / "build/release/bin/mnist_cnn")
    options = parser.parse_args()
    if not options.binary.exists():
        fail(f"{options.binary} is missing: build it first (cmake --preset release && cmake --build --preset release)")
    if options.rounds < 1 or min(options.batch_size) < 1:
        fail("--rounds and --batch-size must be at least 1")
    environment = dict(os.environ, OMP_NUM_THREADS=str(options.threads))

    print(f"{'batch':>5}  {'Metron':>10}  {'PyTorch':>10}  {'ratio':>6}   samples/s, medians of {options.rounds} rounds")
    for batch_size in options.batch_size:
        ours, theirs = [], []
        rate = metron_rate(options.binary, batch_size, 1, 200, options.threads, environment)  # also warms the page cache
        for _ in range(options.rounds):
            ours.append(metron_rate(options.binary, batch_size, options.seconds, rate, options.threads, environment))
            theirs.append(torch_rate(batch_size, options.seconds, options.threads, environment))
        ratio = statistics.median(a / b for a, b in zip(ours, theirs))
        print(f"{batch_size:>5}  {statistics.median(ours):>10.0f}  {statistics.median(theirs):>10.0f}  {ratio:>6.2f}"
              f"   Metron {min(ours):.0f} to {max(ours):.0f}, PyTorch {min(theirs):.0f} to {max(theirs):.0f}", flush=True)


if __name__ == "__main__":
    main()
