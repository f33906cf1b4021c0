"""Reductions, views and copies, embedding: sums of elements, and elements moved."""
import math

import torch
import torch.nn.functional as F

from builder import DOUBLE, Family, Input, Random, errors
from rounding import magnitude, rounded

INF, NAN = float("inf"), float("nan")
TWO_TYPES = ("float32", "float64")

REDUCTIONS = [((5, 7), (1,), "contiguous"), ((5, 7), (0,), "contiguous"), ((5, 7), (), "contiguous"),
              ((5, 7), (0, 1), "transposed"), ((3, 4, 5), (0, 2), "contiguous"), ((3, 4, 5), (-2,), "strided"),
              ((2, 3, 4, 5), (2, 3), "channels_last"), ((2, 3, 4, 5), (1,), "channels_last"), ((4, 6), (0,), "expanded"),
              ((2, 3, 2, 3, 2), (1, 3), "offset"), ((1, 1), (0,), "contiguous"), ((), (), "contiguous"),
              ((251,), (0,), "contiguous"), ((2, 127), (1,), "contiguous"), ((127, 2), (0,), "contiguous")]


def axes_of(x, axes):
    return tuple(axes) if axes else tuple(range(x.dim()))


def reductions(f):
    def total(x, axes, keep, mean=False):
        dims = axes_of(x, axes)
        if not dims:  # of a number
            return x.clone()
        return x.mean(dims, keepdim=keep) if mean else x.sum(dims, keepdim=keep)

    for op in ("sum", "mean", "max", "argmax"):
        kinds = {"sum": ("any",), "mean": ("any",), "max": ("distinct", "tied"), "argmax": ("distinct", "tied")}[op]
        for kind in kinds:
            for i, (shape, axes, layout) in enumerate(REDUCTIONS):
                keep = i % 2 == 0
                name = f"{shape} over {axes}, {layout}, {kind}"
                x = Input(Random(op + name).values(shape, kind), layout)
                dims = axes_of(x.value, axes)
                options = {"axes": list(axes), "keep_dims": keep}
                if op in ("sum", "mean"):
                    count = math.prod(x.value.shape[d] for d in dims)

                    def bounds(g):
                        y = rounded(x.value)
                        y = y.sum(dims, keep) if op == "sum" or not dims else y.mean(dims, keep)
                        slope = rounded(g) / float(count) if op == "mean" else rounded(g)
                        back = slope.error.reshape([1 if d in [a % x.value.dim() for a in dims] else s
                                                    for d, s in enumerate(x.value.shape)])
                        return [y.error, back.expand(x.value.shape)]

                    f.add(op, name, [x], lambda v: total(v, axes, keep, op == "mean"), bounds, options)
                elif op == "max":  # amax splits the gradient of ties evenly, as max does; g / n is rounded, 1 / n of 1
                    largest = lambda v: v.amax(dims, keepdim=keep) if dims else v.clone()
                    leaf = x.value.clone().requires_grad_()

                    def bounds(g):
                        d, = torch.autograd.grad(largest(leaf), leaf, g)
                        return [None, d.abs()]

                    f.add(op, name, [x], largest, bounds, options)
                else:
                    f.add(op, name, [x], lambda v: first_maximum(v, dims, keep), None, options, differentiable=False)
    extremes(f)
    for shape, target, layout in [((5, 7), (7,), "transposed"), ((5, 7), (5, 1), "contiguous"), ((5, 7), (), "strided"),
                                  ((2, 3, 4, 5), (3, 1, 1), "channels_last"), ((2, 3, 4), (2, 3, 4), "contiguous"),
                                  ((4, 6), (1, 6), "expanded"), ((0, 3), (3,), "contiguous"), ((1, 1), (1,), "contiguous")]:
        name = f"{shape} to {target}, {layout}"
        x = Input(Random("sum_to" + name).values(shape), layout)
        f.add("sum_to", name, [x], lambda v: v.sum_to_size(target) if target else v.sum(),
              lambda g: [rounded(x.value).sum_to(target).error, None], {"shape": list(target)})


def first_maximum(x, dims, keep):
    """The row-major index, within the reduced axes, of the first one. torch.argmax takes one axis or all of them."""
    dims = [d % x.dim() for d in dims] if x.dim() else []
    kept = [d for d in range(x.dim()) if d not in dims]
    count = math.prod(x.shape[d] for d in dims)
    rows = x.permute(kept + dims).reshape([x.shape[d] for d in kept] + [count])
    return rows.argmax(-1).reshape([1 if d in dims else s for d, s in enumerate(x.shape) if keep or d not in dims])


def extremes(f):
    rows = torch.tensor([[1.0, NAN, 3.0, NAN], [INF, 2.0, INF, -1.0], [-INF, -INF, -INF, -INF]]).double()
    one = lambda shape: torch.ones(shape, dtype=DOUBLE)
    for op, function in (("sum", lambda x: x.sum(1)), ("mean", lambda x: x.mean(1))):
        f.add(op, "infinities and NaN", [Input(rows)], function, lambda g: [None, magnitude(g.new_full((3, 4), 1.0))],
              {"axes": [1], "keep_dims": False}, gradient=one(3), dtypes=TWO_TYPES)
    f.add("argmax", "infinities and NaN", [Input(rows)], lambda x: x.argmax(1), None, {"axes": [1], "keep_dims": False},
          dtypes=TWO_TYPES, differentiable=False)
    # The gradient of amax next to NaN is NaN; that of torch.max over all elements reaches the NaNs, as max's does.
    f.add("max", "infinities", [Input(rows[1:])], lambda x: x.amax(1), lambda g: [None, one((2, 4))],
          {"axes": [1], "keep_dims": False}, gradient=one(2), dtypes=TWO_TYPES)
    f.add("max", "NaN", [Input(rows)], lambda x: x.max(), lambda g: [None, one((3, 4))], {"axes": [], "keep_dims": False},
          gradient=one(()), dtypes=TWO_TYPES)
    wide = torch.tensor([1e20, 1.0, -1e20, 3e-39, 1e20, -3.0]).double().float().double()
    for op, function in (("sum", lambda x: x.sum()), ("mean", lambda x: x.mean())):
        y = rounded(wide)
        y = y.sum((0,), False) if op == "sum" else y.mean((0,), False)
        f.add(op, "cancellation", [Input(wide)], function, lambda g: [y.error, magnitude(g.new_full((6,), 1.0))],
              {"axes": [], "keep_dims": False}, gradient=one(()), dtypes=TWO_TYPES)


def movement(f):
    def case(op, name, shape, function, options, layout="contiguous", bounds=None, kind="any", **more):
        x = Input(Random(op + name).values(shape, kind), layout)
        f.add(op, f"{name}, {layout}", [x], function, bounds, options, **more)

    for shape, to, layout in [((4, 6), (2, 12), "contiguous"), ((4, 6), (3, -1), "transposed"), ((2, 3, 4), (24,), "strided"),
                              ((), (1, 1), "contiguous"), ((2, 3, 4, 5), (6, 20), "channels_last"), ((0, 3), (3, 0), "contiguous"),
                              ((4, 6), (8, 3), "expanded")]:
        case("reshape", f"{shape} to {to}", shape, lambda x: x.reshape(to), {"shape": list(to)}, layout)
    for shape, order, layout in [((4, 6), (1, 0), "contiguous"), ((2, 3, 4), (2, 0, 1), "strided"), ((2, 3, 4), (1, 0, 2), "offset"),
                                 ((2, 3, 4, 5), (0, 2, 3, 1), "channels_last"), ((3,), (0,), "contiguous"),
                                 ((2, 3, 4, 5), (-1, 1, -2, 0), "contiguous"), ((4, 6), (1, 0), "expanded")]:
        case("permute", f"{shape} by {order}", shape, lambda x: x.permute(order), {"order": list(order)}, layout)
    for shape, axis, begin, end, step, layout in [
            ((7, 5), 0, 1, 4, 1, "contiguous"), ((7, 5), 1, 0, 5, 2, "transposed"), ((7, 5), -1, 2, 3, 1, "strided"),
            ((7, 5), 0, 3, 3, 1, "contiguous"), ((2, 9, 4), 1, 1, 9, 3, "offset"), ((2, 3, 4, 5), 1, 0, 2, 1, "channels_last"),
            ((4, 6), 0, 1, 3, 1, "expanded"), ((11,), 0, 0, 11, 4, "contiguous")]:
        def cut(x):
            index = [slice(None)] * x.dim()
            index[axis] = slice(begin, end, step)
            return x[tuple(index)]

        case("slice", f"{shape}[{begin}:{end}:{step}] of axis {axis}", shape, cut,
             {"axis": axis, "begin": begin, "end": end, "step": step}, layout)
    for shape, to, layout in [((1, 7), (5, 7), "contiguous"), ((7,), (3, 2, 7), "contiguous"), ((), (4,), "contiguous"),
                              ((2, 1, 3), (2, 5, 3), "transposed"), ((5, 7), (5, 7), "strided"), ((1, 3), (0, 3), "contiguous"),
                              ((3, 1, 1), (2, 3, 4, 5), "offset")]:
        case("expand", f"{shape} to {to}", shape, lambda x: x.expand(to), {"shape": list(to)}, layout,
             lambda g: errors(None, rounded(g).sum_to(shape)))
    for shape, first, last, layout in [((2, 3, 4), 0, -1, "contiguous"), ((2, 3, 4), 1, 2, "transposed"), ((2, 3, 4), 0, 1, "strided"),
                                       ((2, 3, 4, 5), 1, 3, "channels_last"), ((5,), 0, 0, "contiguous")]:
        case("flatten", f"{shape} from {first} to {last}", shape, lambda x: x.flatten(first, last),
             {"first": first, "last": last}, layout)
    for layout in ("contiguous", "transposed", "strided", "offset", "expanded"):
        case("clone", "(4, 6)", (4, 6), lambda x: x.clone(), {}, layout)
        case("contiguous", "(4, 6)", (4, 6), lambda x: x.contiguous(), {"format": "contiguous"}, layout)
    for layout in ("contiguous", "channels_last", "transposed"):
        for form in ("contiguous", "channels_last"):
            case("contiguous", f"(2, 3, 4, 5) to {form}", (2, 3, 4, 5), lambda x: x.clone(), {"format": form}, layout)
    casts(f)
    for shapes, axis, layout in [(((2, 3), (4, 3)), 0, "contiguous"), (((2, 3), (2, 1), (2, 5)), 1, "strided"),
                                 (((2, 3, 4), (2, 3, 4)), -1, "transposed"), (((0, 3), (2, 3)), 0, "contiguous"), (((7,),), 0, "offset"),
                                 (((2, 3, 4, 5), (2, 1, 4, 5)), 1, "channels_last"), (((4, 6), (3, 6)), 0, "expanded"),
                                 (((1, 2), (2, 2), (3, 2), (4, 2), (5, 2)), 0, "contiguous")]:
        name = f"{shapes} along {axis}, {layout}"
        random = Random("cat" + name)
        f.add("cat", name, [Input(random.values(s), layout) for s in shapes], lambda *x: torch.cat(x, axis), None, {"axis": axis})


def casts(f):
    """Rounded once, to nearest: half a unit of the narrower type, which the test takes for its unit roundoff."""
    types = {"float32": torch.float32, "float64": torch.float64, "float16": torch.float16, "bfloat16": torch.bfloat16}
    for to, dtype in types.items():
        for layout in ("contiguous", "transposed", "strided"):
            name = f"to {to}, {layout}"
            x = Input(Random(name).values((5, 7), "full"), layout)
            f.add("cast", name, [x], lambda v: v.to(dtype).double(), None, {"dtype": to}, dtypes=TWO_TYPES)
    for to, dtype in (("int64", torch.int64), ("uint8", torch.uint8)):  # towards 0
        x = torch.tensor([0.0, 0.5, 1.5, 2.75, 100.0, 250.9]).double().float().double()
        f.add("cast", f"to {to}", [Input(x)], lambda v: v.to(dtype), None, {"dtype": to}, dtypes=TWO_TYPES, differentiable=False)


def embeddings(f):
    for rows, columns, shape, layout, index_layout in [
            (5, 3, (4,), "contiguous", "contiguous"), (5, 3, (2, 3), "transposed", "strided"), (1, 4, (6,), "contiguous", "offset"),
            (7, 1, (3, 2, 2), "contiguous", "contiguous"), (4, 33, (5,), "strided", "expanded"), (9, 2, (), "contiguous", "contiguous"),
            (3, 2, (0,), "contiguous", "contiguous"), (2, 3, (64,), "offset", "contiguous"), (130, 2, (9,), "contiguous", "strided")]:
        name = f"({rows}, {columns}) at {shape}, {layout} and {index_layout}"
        random = Random("embedding" + name)
        w = Input(random.values((rows, columns)), layout)
        indices = Input(random.below(rows, shape), index_layout if shape else "contiguous")

        def bounds(g):  # a row has as many terms as it is taken times
            count = torch.bincount(indices.value.reshape(-1), minlength=rows).double()[:, None]
            total = torch.zeros_like(w.value).index_add_(0, indices.value.reshape(-1), g.abs().reshape(-1, columns))
            return [None, (count - 1).clamp(min=0) * total]

        f.add("embedding", name, [w, indices], lambda w, i: F.embedding(i, w), bounds)


def decodings(f):
    for codes, count, layout in [((11, 3), 5, "contiguous"), ((7, 1, 5, 2), 9, "channels_last"), ((7,), 4, "offset"), ((11, 3), 0, "transposed"),
                                 ((5, 0), 3, "contiguous"), ((1, 4), 6, "strided"), ((5, 33), 7, "contiguous")]:
        name = f"{codes} at {count}, {layout}"
        random = Random("decode_rows" + name)
        inputs = [Input(random.below(256, codes).to(torch.uint8), layout), Input(random.values((256,)), "strided", False),
                  Input(random.below(codes[0], (count,)), "contiguous")]
        f.add("decode_rows", name, inputs, lambda c, t, i: t[c[i].long()], differentiable=False)


def families():
    reduction_family, movement_family = Family("reductions"), Family("movement")
    reductions(reduction_family)
    movement(movement_family)
    embeddings(movement_family)
    decodings(movement_family)
    return [reduction_family, movement_family]
