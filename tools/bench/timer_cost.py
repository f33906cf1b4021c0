#!/usr/bin/env python3
"""The timer's overhead: trains the reference CNN with and without --profile, interleaved in one run.

  python3 tools/bench/timer_cost.py [--rounds 7] [--batch-size 64 1] [--threads 2]

Prints the medians, and the median and range of the rounds' ratios. Needs a release build.
"""

import argparse
import os
import statistics
from pathlib import Path

from compare_torch import ROOT, fail, metron_rate


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batch-size", type=int, nargs="+", default=[64, 1])
    parser.add_argument("--seconds", type=float, default=5, help="per measurement")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--binary", type=Path, default=ROOT / "build/release/bin/mnist_cnn")
    options = parser.parse_args()
    if not options.binary.exists():
        fail(f"{options.binary} is missing: build it first")
    environment = dict(os.environ)

    print(f"{'batch':>5}  {'off':>8}  {'on':>8}  {'cost':>7}   samples/s, medians of {options.rounds} rounds")
    for batch_size in options.batch_size:
        def rate(*flags, batch_size=batch_size, guess=200):
            return metron_rate(options.binary, batch_size, options.seconds, guess, options.threads, environment, *flags)

        guess = rate()
        off, on = [], []
        for i in range(options.rounds):
            for profiled in (False, True) if i % 2 == 0 else (True, False):  # drift affects both alike
                (on if profiled else off).append(rate(*(["--profile"] if profiled else []), guess=guess))
        costs = [a / b - 1 for a, b in zip(off, on)]
        print(f"{batch_size:>5}  {statistics.median(off):>8.0f}  {statistics.median(on):>8.0f}"
              f"  {100 * statistics.median(costs):>6.2f}%   from {100 * min(costs):.2f} to {100 * max(costs):.2f} %", flush=True)


if __name__ == "__main__":
    main()
