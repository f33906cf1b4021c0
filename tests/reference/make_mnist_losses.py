#!/usr/bin/env python3
"""Writes the losses that Metron's MNIST training must reproduce, and the weights it must start from.

PyTorch trains the MNIST CNN for 50 steps in a fixed order and without dropout, once in float32 and once in
float64 from the same float32 weights and inputs. How far the two drift apart shows what rounding alone does to
this training; the defaults of --seed and --lr keep that small (README.md in this folder). Only needs PyTorch.
"""
import argparse
import gzip
import json
import math
import struct
import sys
from collections import OrderedDict
from pathlib import Path

import torch
from torch import nn

HERE = Path(__file__).resolve().parent
DATA = HERE.parents[1] / "examples" / "mnist_cnn" / "data"
MEAN, DEVIATION = 0.1307, 0.3081

# At the example's rate, 1.0, rounding determines the trajectory for every seed tried (README.md).
SEED, LEARNING_RATE = 3, 0.01


def build_model():
    """The MNIST CNN in order of execution; eval() only disables dropout."""
    return nn.Sequential(OrderedDict(
        conv1=nn.Conv2d(1, 32, 3),      # (N, 32, 26, 26)
        relu1=nn.ReLU(),
        conv2=nn.Conv2d(32, 64, 3),     # (N, 64, 24, 24)
        relu2=nn.ReLU(),
        pool=nn.MaxPool2d(2),           # (N, 64, 12, 12)
        dropout1=nn.Dropout2d(0.25),
        flatten=nn.Flatten(),           # (N, 9216)
        fc1=nn.Linear(9216, 128),
        relu3=nn.ReLU(),
        dropout2=nn.Dropout(0.5),       # dropout2d of an (N, C) tensor is element-wise: the same thing
        fc2=nn.Linear(128, 10),
        log_softmax=nn.LogSoftmax(dim=1),
    ))


def read_idx(path, rank):
    """A gzipped IDX file of unsigned bytes as a uint8 tensor of that rank."""
    try:
        with gzip.open(path) as file:
            raw = bytearray(file.read())
    except (OSError, EOFError) as error:
        raise SystemExit(f"error: cannot read {path}: {error}")
    header = 4 + 4 * rank
    if len(raw) < header or raw[:4] != bytes([0, 0, 8, rank]):    # 8: unsigned bytes
        raise SystemExit(f"error: {path} is not an IDX file of bytes with {rank} dimension(s)")
    shape = struct.unpack_from(f">{rank}I", raw, 4)
    if len(raw) != header + math.prod(shape):
        raise SystemExit(f"error: {path} declares the shape {shape} but holds {len(raw) - header} bytes")
    return torch.frombuffer(raw, dtype=torch.uint8, offset=header).reshape(shape)


def load_training_set(folder):
    """The normalized float32 images (N, 1, 28, 28) and the int64 labels (N)."""
    images = read_idx(Path(folder) / "train-images-idx3-ubyte.gz", 3)
    labels = read_idx(Path(folder) / "train-labels-idx1-ubyte.gz", 1)
    if len(images) != len(labels):
        raise SystemExit(f"error: {folder} holds {len(images)} images but {len(labels)} labels")
    return ((images.float() / 255 - MEAN) / DEVIATION).unsqueeze(1), labels.long()


def write_safetensors(path, tensors):
    """u64 header length, JSON header padded with spaces to 8 bytes, then the concatenated float32 data, all little-endian."""
    header, chunks, end = {}, [], 0
    for name, tensor in tensors.items():
        chunks.append(struct.pack(f"<{tensor.numel()}f", *tensor.flatten().tolist()))
        begin, end = end, end + len(chunks[-1])
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(chunks))


def train(weights, images, labels, dtype, lr, steps, batch):
    """The loss of every step, taken before that step's update."""
    model = build_model().to(dtype).eval()
    model.load_state_dict(weights)    # copies, and widens to float64 where asked
    # The learning rate's first decay comes after an epoch of 938 steps, so no scheduler is needed here.
    optimizer = torch.optim.Adadelta(model.parameters(), lr=lr, rho=0.9, eps=1e-6)
    losses = []
    for step in range(steps):
        rows = slice(step * batch, (step + 1) * batch)
        loss = nn.functional.nll_loss(model(images[rows].to(dtype)), labels[rows])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the gzipped IDX files (default: the MNIST example's)")
    parser.add_argument("--out", type=Path, default=HERE, help="folder of the two outputs (default: the script's)")
    parser.add_argument("--seed", type=int, default=SEED, help="draws the initial weights (default: %(default)s)")
    parser.add_argument("--lr", type=float, default=LEARNING_RATE, help="learning rate of Adadelta (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--batch-size", type=int, default=64)
    args = parser.parse_args()
    if args.steps < 1 or args.batch_size < 1:
        parser.error("--steps and --batch-size must be positive")
    if not 0 < args.lr < math.inf:
        parser.error("--lr must be positive and finite")
    if not args.out.is_dir():
        parser.error(f"--out {args.out} is not a folder")

    torch.set_num_threads(1)    # one order of summation
    torch.use_deterministic_algorithms(True)
    images, labels = load_training_set(args.data)
    if args.steps * args.batch_size > len(images):
        parser.error(f"{args.steps} steps of {args.batch_size} need more than the {len(images)} training images")

    torch.manual_seed(args.seed)
    weights = build_model().state_dict()
    write_safetensors(args.out / "mnist_init.safetensors", weights)

    single = train(weights, images, labels, torch.float32, args.lr, args.steps, args.batch_size)
    double = train(weights, images, labels, torch.float64, args.lr, args.steps, args.batch_size)
    with open(args.out / "mnist_losses.csv", "w", newline="\n") as file:
        file.write("step,loss,loss_float64\n")
        for step, (a, b) in enumerate(zip(single, double), 1):
            file.write(f"{step},{a:.9g},{b:.17g}\n")

    drift = [abs(a - b) / abs(b) for a, b in zip(single, double)]
    for last in sorted({min(10, args.steps), args.steps}):
        worst = max(range(last), key=drift.__getitem__)
        print(f"steps 1-{last}: largest relative difference of float32 from float64 {drift[worst]:.3g}, in step {worst + 1}")
    print(f"torch {torch.__version__}, Python {sys.version.split()[0]}")


if __name__ == "__main__":
    main()
