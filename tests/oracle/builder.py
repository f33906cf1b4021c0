"""Builds cases and writes them as safetensors files."""
import json
import math
import random

import torch

from rounding import Rounded
from tolerances import TOLERANCES

DOUBLE = torch.float64
ALL_TYPES = ("float32", "float64", "float16", "bfloat16")


class Random:
    """Seeded by the name of the case, so that a new case changes no other, and by Python, whose numbers no version of PyTorch
    changes."""

    def __init__(self, name):
        self.generator = random.Random(name)

    def uniform(self, shape):
        """Multiples of 2^-24 in [0, 1)."""
        numbers = [math.floor(self.generator.random() * 2**24) / 2**24 for _ in range(math.prod(shape))]
        return torch.tensor(numbers, dtype=DOUBLE).reshape(tuple(shape))

    def below(self, limit, shape):
        return (self.uniform(shape) * limit).floor().long()

    def values(self, shape, kind="any"):
        """Eight significant bits, so that every floating dtype, bfloat16 included, holds them exactly; 24 of kind `full`, so
        that a product in a shorter type would show."""
        if kind == "full":
            return self.uniform(shape) * 8 - 4
        if kind == "tied":
            return (self.below(4, shape) - 1).to(DOUBLE)
        if kind == "distinct":  # at most 255 elements
            order = self.uniform((math.prod(shape),)).argsort(stable=True).to(DOUBLE)
            return ((order - len(order) // 2) / 32).reshape(tuple(shape))
        mantissa = (self.below(128, shape) + 128).to(DOUBLE) / 128
        value = mantissa * 2.0 ** (self.below(4, shape) - 2).to(DOUBLE)
        if kind == "positive":
            return value
        return value * (self.below(2, shape) * 2 - 1).to(DOUBLE)


class Input:
    def __init__(self, value, layout="contiguous", wants_gradient=True):
        if layout == "expanded":
            value = value[:1].expand(value.shape).clone()
        self.value = value
        self.layout = layout
        self.wants_gradient = wants_gradient and value.dtype == DOUBLE


def same(a, b):
    return torch.equal(a.nan_to_num(nan=0.5), b.nan_to_num(nan=0.5)) and torch.equal(a.isnan(), b.isnan())


def narrowed(value):
    """In the narrowest floating dtype that holds all elements, to keep the files small."""
    if value.dtype == DOUBLE:
        for dtype in (torch.bfloat16, torch.float32):
            if same(value.to(dtype).double(), value):
                return value.to(dtype)
    return value


def rounded_down(bound):
    """To eight bits, so that no tolerance widens."""
    bits = bound.clamp(max=3e38).float().view(torch.int32) & -65536
    return bits.view(torch.float32).bfloat16()


class Family:
    """The cases of one file."""

    def __init__(self, name):
        self.name = name
        self.cases = []
        self.tensors = {}

    def store(self, key, value):
        self.tensors[key] = narrowed(value.detach()).contiguous().clone()

    def expect(self, key, value, bound):
        self.store(key, value)
        if value.dtype != DOUBLE or bound is None:
            return
        bound = torch.where(value.isfinite() & bound.isfinite(), bound, torch.zeros_like(bound))
        if bound.any():
            self.tensors[key + ".bound"] = rounded_down(bound.contiguous())

    def add(self, op, name, inputs, torch_function, bounds=None, options=None, gradient="any", gradient_layout="contiguous",
            dtypes=ALL_TYPES, after=None, differentiable=True, **extra):
        """bounds(g) -> [of the result, of the gradient of each input]; None where the result is exact."""
        assert (op, name) not in [(c["op"], c["name"]) for c in self.cases], (op, name)
        identifier = len(self.cases)
        leaves = [i.value.clone().requires_grad_(i.wants_gradient) for i in inputs]
        y = torch_function(*leaves)
        case = {"op": op, "name": name, "inputs": [x.layout for x in inputs], **extra}
        for key, value, default in (("options", options or {}, {}), ("dtypes", list(dtypes), list(ALL_TYPES)),
                                    ("gradient_layout", gradient_layout, "contiguous")):
            if value != default:
                case[key] = value
        for i, x in enumerate(inputs):
            assert x.value.dtype != DOUBLE or same(x.value.float().double(), x.value), "exact in float32"
            self.store(f"{identifier}.x{i}", x.value)
        wanted = [i for i, x in enumerate(inputs) if x.wants_gradient and differentiable]
        g = None
        if wanted:
            g = gradient if isinstance(gradient, torch.Tensor) else Random(f"{op} {name} g").values(y.shape, gradient)
            if gradient_layout == "expanded":
                g = g[:1].expand(g.shape).clone()
            self.store(f"{identifier}.g", g)
        limits = bounds(g) if bounds is not None else [None] * (1 + len(inputs))
        self.expect(f"{identifier}.y", y, limits[0])
        if wanted:
            grads = torch.autograd.grad(y, [leaves[i] for i in wanted], g, allow_unused=True)
            for i, d in zip(wanted, grads):
                d = torch.zeros_like(leaves[i]) if d is None else d
                self.expect(f"{identifier}.d{i}", d, limits[1 + i])
        for i, (value, bound) in (after() if after is not None else {}).items():
            self.expect(f"{identifier}.a{i}", value, bound)
        self.cases.append(case)

    def metadata(self):
        used = sorted({c["op"] for c in self.cases})
        return {"tolerances": json.dumps({op: TOLERANCES[op] for op in used}),
                "cases": json.dumps(self.cases, separators=(",", ":")), "torch": torch.__version__.split("+")[0]}

    def path(self, folder):
        return folder / f"{self.name}.safetensors"

    def write(self, folder):
        write_safetensors(self.path(folder), self.tensors, self.metadata())
        print(f"{self.name}: {len(self.cases)} cases, {self.path(folder).stat().st_size} bytes")

    def differences(self, folder):
        """To the file: of a case or an input at all, of a result beyond what rounding in float64 explains."""
        stored, metadata = read_safetensors(self.path(folder))
        found = [key for key, value in self.metadata().items() if key != "torch" and metadata[key] != value]
        found += sorted(set(stored) ^ set(self.tensors))
        for key, value in self.tensors.items():
            if key not in stored or same(value.double(), stored[key].double()):
                continue
            bound = self.tensors.get(key + ".bound")
            ours, theirs = value.double().nan_to_num(), stored[key].double().nan_to_num()
            allowed = 2.0**-7 * ours.abs() if key.endswith(".bound") else 0 if bound is None else bound.double() * 2.0**-49
            if value.shape != stored[key].shape or not bool(((ours - theirs).abs() <= allowed).all()):
                found.append(key)
        return [f"{self.name}: {key}" for key in found]


TYPES = {"F64": torch.float64, "F32": torch.float32, "BF16": torch.bfloat16, "I64": torch.int64, "U8": torch.uint8}


def write_safetensors(path, tensors, metadata):
    """As the format's own library, which orders metadata at random, so that equal cases make equal files."""
    names = {dtype: name for name, dtype in TYPES.items()}
    header, blocks, offset = {"__metadata__": metadata}, [], 0
    for name, tensor in sorted(tensors.items(), key=lambda item: -item[1].element_size()):  # stable; aligns all
        block = tensor.reshape(-1).view(torch.uint8).numpy().tobytes()
        header[name] = {"dtype": names[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [offset, offset + len(block)]}
        blocks.append(block)
        offset += len(block)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(blocks))


def read_safetensors(path):
    data = path.read_bytes()
    begin = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:begin])
    metadata = header.pop("__metadata__")
    tensors = {}
    for name, entry in header.items():
        first, last = (begin + offset for offset in entry["data_offsets"])
        flat = torch.tensor(list(data[first:last]), dtype=torch.uint8).view(TYPES[entry["dtype"]])
        tensors[name] = flat.reshape(entry["shape"])
    return tensors, metadata


def errors(*results):
    """The bounds of running error analyses; None where a result is exact."""
    return [r.error if isinstance(r, Rounded) else r for r in results]
