"""Makes the oracle's files beside this script: results and gradients of every op by PyTorch in float64.

With --check it writes nothing: it compares what it would write with the files, and ends with status 1 if they differ.
Needs torch and numpy; the CPU is enough. See README.md.
"""
import pathlib
import sys

import torch

import elementwise
import layers
import linear
import reductions

if __name__ == "__main__":
    assert sys.argv[1:] in ([], ["--check"]), "usage: make.py [--check]"
    torch.set_num_threads(1)  # a result must not depend on the machine's number of cores
    folder = pathlib.Path(__file__).parent
    total, differences = 0, []
    for module in (elementwise, reductions, linear, layers):
        for family in module.families():
            if sys.argv[1:]:
                differences += family.differences(folder)
            else:
                family.write(folder)
            total += len(family.cases)
    print("\n".join(differences + [f"{total} cases, {len(differences)} differences" if sys.argv[1:] else f"{total} cases"]))
    sys.exit(bool(differences))
