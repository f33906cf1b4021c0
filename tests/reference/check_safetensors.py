#!/usr/bin/env python3
"""Checks a safetensors file against the format, without the safetensors library.

Prints one line. Exit status 0 if the file is well-formed, else 1.
"""
import argparse
import json
import math
import struct
import sys

SIZES = {"BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "U16": 2, "I16": 2, "F16": 2, "BF16": 2,
         "U32": 4, "I32": 4, "F32": 4, "U64": 8, "I64": 8, "F64": 8}    # bytes per element
MNIST_CNN = {"conv1.weight": [32, 1, 3, 3], "conv1.bias": [32], "conv2.weight": [64, 32, 3, 3], "conv2.bias": [64],
             "fc1.weight": [128, 9216], "fc1.bias": [128], "fc2.weight": [10, 128], "fc2.bias": [10]}


class Malformed(Exception):
    """The rule that the file violates."""


def require(condition, rule):
    if not condition:
        raise Malformed(rule)


def without_duplicates(pairs):
    keys = [key for key, _ in pairs]
    require(len(set(keys)) == len(keys), f"a JSON object names a key twice: {keys}")
    return dict(pairs)


def is_size(value):
    return type(value) is int and value >= 0    # type(), because a bool is an int to isinstance()


def parse(raw):
    """The tensors' header entries by name and the data section; raises Malformed if a rule is violated."""
    require(len(raw) >= 8, f"{len(raw)} bytes are too few for the header length")
    length, = struct.unpack_from("<Q", raw)
    require(length <= len(raw) - 8, f"the header length {length} runs past the end of the file ({len(raw)} bytes)")
    require(length % 8 == 0, f"the header length {length} is not a multiple of 8, so the data is not aligned")
    text, data = raw[8:8 + length], raw[8 + length:]
    require(text[:1] == b"{", "the header does not begin with '{'")
    try:
        header = json.loads(text.decode("utf-8"), object_pairs_hook=without_duplicates)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"the header is not JSON in UTF-8: {error}")
    require(text.rstrip(b" ").endswith(b"}"), "the header is padded with something other than spaces")

    metadata = header.pop("__metadata__", {})
    require(isinstance(metadata, dict) and all(isinstance(v, str) for v in metadata.values()),
            "__metadata__ is not a map of strings to strings")
    for name, entry in header.items():
        require(isinstance(entry, dict) and set(entry) == {"dtype", "shape", "data_offsets"},
                f"{name}: the entry is not exactly dtype, shape and data_offsets")
        dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
        require(isinstance(dtype, str) and dtype in SIZES, f"{name}: unknown dtype {dtype!r}")
        require(isinstance(shape, list) and all(map(is_size, shape)), f"{name}: bad shape {shape!r}")
        require(isinstance(offsets, list) and len(offsets) == 2 and all(map(is_size, offsets)),
                f"{name}: bad data_offsets {offsets!r}")
        begin, end = offsets
        need = math.prod(shape) * SIZES[dtype]
        require(end - begin == need, f"{name}: {dtype} {shape} takes {need} bytes, data_offsets span {end - begin}")
        # Tensors are stored back to back, so the format guarantees only the alignment of their elements.
        require(begin % SIZES[dtype] == 0, f"{name}: the offset {begin} is not aligned for {dtype}")

    position = 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, end = entry["data_offsets"]
        require(begin == position, f"{name}: begins at {begin}, the tensor before it ends at {position}")
        position = end
    require(position == len(data), f"the tensors end at {position}, the data section at {len(data)}")
    return header, data


def check_model(header, data):
    """Checks names and shapes against the MNIST CNN. If PyTorch is installed, also loads the weights into its model."""
    found = {name: entry["shape"] for name, entry in header.items()}
    wrong = [name for name in sorted({*MNIST_CNN, *found}) if MNIST_CNN.get(name) != found.get(name)]
    require(not wrong, "not the MNIST CNN: " + "; ".join(
        f"{name} is {found.get(name, 'absent')}, expected {MNIST_CNN.get(name, 'absent')}" for name in wrong))
    for name, entry in header.items():
        require(entry["dtype"] == "F32", f"{name}: is {entry['dtype']}, expected F32")
    try:
        import torch
    except ImportError:
        return "names and shapes match the MNIST CNN (no torch here, so not loaded)"
    from make_mnist_losses import build_model
    values = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        numbers = struct.unpack(f"<{(end - begin) // 4}f", data[begin:end])
        values[name] = torch.tensor(numbers, dtype=torch.float32).reshape(entry["shape"])
    try:
        build_model().load_state_dict(values, strict=True)
    except RuntimeError as error:
        raise Malformed(" ".join(str(error).split()))
    return "loads into PyTorch's MNIST CNN"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--expect-model", action="store_true", help="it must also hold the MNIST CNN's parameters, and only those")
    args = parser.parse_args()
    try:
        with open(args.file, "rb") as file:
            header, data = parse(file.read())
        verdict = f"{len(header)} tensors, {len(data)} bytes"
        if args.expect_model:
            verdict += ", " + check_model(header, data)
    except (OSError, Malformed) as error:
        print(f"FAILED {args.file}: {error}")
        return 1
    print(f"ok {args.file}: {verdict}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
