"""Normalization, softmax, losses, dropout and random numbers, by running error analysis of their formulas."""
import math

import torch
import torch.nn.functional as F

from builder import DOUBLE, Family, Input, Random, errors
from rounding import Rounded, rounded

INF, NAN = float("inf"), float("nan")
TWO_TYPES = ("float32", "float64")  # in which the kernels of the norms compute


def normalized(x, dims, eps, statistics=None):
    """(x - mean) r with r = 1 / sqrt(variance + eps), and r."""
    if statistics is None:
        mean = rounded(x).mean(dims)
        centered = rounded(x) - mean
        variance = (centered * centered).mean(dims)
    else:
        mean, variance = (rounded(s) for s in statistics)
        centered = rounded(x) - mean
    r = (variance + eps).rsqrt()
    return centered * r, r


def norm_bounds(x, w, b, dims, eps, shape, g, statistics=None):
    """Of the result and the gradients. `shape` is that of w and b, broadcast to x."""
    xhat, r = normalized(x, dims, eps, statistics)
    weight = None if w is None else rounded(w.reshape(shape))
    y = xhat if w is None else xhat * weight + rounded(b.reshape(shape))
    d = rounded(g) if w is None else rounded(g) * weight
    if statistics is None:
        gx = (d - d.mean(dims) - xhat * (d * xhat).mean(dims)) * r
    else:
        gx = d * r
    result = [y, gx]
    if w is not None:
        parameters = tuple(i for i in range(x.dim()) if shape[i] == 1)
        result += [(rounded(g) * xhat).sum(parameters).reshape(w.shape), rounded(g).sum(parameters).reshape(w.shape)]
    return errors(*result)


def batch_norms(f):
    for i, (shape, layout) in enumerate([((5, 3), "contiguous"), ((5, 3), "transposed"), ((2, 3, 4), "strided"), ((2, 3, 4, 5), "contiguous"),
                                         ((2, 3, 4, 5), "channels_last"), ((1, 2, 3, 3), "contiguous"), ((4, 2, 3, 3), "expanded"),
                                         ((2, 1, 5, 2), "offset"), ((2, 3, 2, 2, 3), "contiguous"), ((33, 2), "contiguous"), ((2, 9, 2, 2), "channels_last")]):
        for training in (True, False):
            for parameters in (True, False):
                eps, momentum = (1e-5, 1e-3, 0.5)[i % 3], (0.1, 1.0, 0.0, 0.3)[i % 4]
                name = f"{shape}, {layout}" + (", training" if training else "") + (", parameters" if parameters else "")
                random = Random("batch_norm" + name)
                c = (shape[1],)
                x = Input(random.values(shape), layout)
                w, b = random.values(c), random.values(c)
                mean, variance = random.values(c), random.values(c, "positive")
                dims = tuple(d for d in range(len(shape)) if d != 1)
                over = [1, -1] + [1] * (len(shape) - 2)
                statistics = None if training else (mean.reshape(over), variance.reshape(over))
                inputs = [x] + ([Input(w), Input(b)] if parameters else [])
                inputs += [Input(mean, wants_gradient=False), Input(variance, wants_gradient=False)]
                updated = {}

                def function(x, *rest):
                    m, v = mean.clone(), variance.clone()
                    y = F.batch_norm(x, m, v, *(rest[:2] if parameters else (None, None)), training, momentum, eps)
                    updated.update({len(inputs) - 2: m, len(inputs) - 1: v})
                    if training:
                        return y
                    # In evaluation PyTorch computes x alpha + beta, which cancels where x is near the mean.
                    exact = (x - statistics[0]) * (statistics[1] + eps).rsqrt()
                    if parameters:
                        exact = exact * rest[0].reshape(over) + rest[1].reshape(over)
                    assert torch.allclose(exact, y, rtol=1e-12, atol=1e-12)
                    return exact

                def after():
                    """Exponential moving averages, with the unbiased variance."""
                    if not training:
                        return {i: (v, None) for i, v in updated.items()}
                    n = x.value.numel() / shape[1]
                    m = rounded(x.value).mean(dims)
                    d = rounded(x.value) - m
                    v = (d * d).mean(dims)
                    flat = lambda s: s.reshape(c)
                    old = [rounded(s) * rounded(1 - momentum) for s in (mean, variance)]
                    new = [flat(m) * rounded(momentum), flat(v) * rounded(momentum * n / (n - 1))]
                    return {i: (updated[i], (a + s).error) for i, a, s in zip(updated, old, new)}

                f.add("batch_norm", name, inputs, function,
                      lambda g: norm_bounds(x.value, w if parameters else None, b, dims, eps, over, g, statistics) + [None] * 2,
                      {"training": training, "momentum": momentum, "eps": eps, "parameters": parameters}, after=after, dtypes=TWO_TYPES,
                      gradient_layout="channels_last" if layout == "channels_last" else "contiguous")


def other_norms(f):
    for i, (shape, axes, layout) in enumerate([((5, 7), 1, "contiguous"), ((5, 7), 1, "transposed"), ((2, 3, 5), 2, "strided"), ((2, 3, 5), 1, "offset"),
                                               ((4, 6), 1, "expanded"), ((3, 1), 1, "contiguous"), ((3, 33), 1, "contiguous"), ((2, 3, 4, 2), 2, "channels_last"),
                                               ((65, 2), 1, "contiguous"), ((6,), 1, "contiguous")]):
        for parameters in (True, False):
            eps = (1e-5, 0.1)[i % 2]
            name = f"{shape} over {axes}, {layout}" + (", parameters" if parameters else "")
            random = Random("layer_norm" + name)
            last = shape[len(shape) - axes:]
            x, w, b = Input(random.values(shape), layout), random.values(last), random.values(last)
            dims = tuple(range(len(shape) - axes, len(shape)))
            over = [1] * (len(shape) - axes) + list(last)
            f.add("layer_norm", name, [x] + ([Input(w), Input(b)] if parameters else []),
                  lambda x, w=None, b=None: F.layer_norm(x, last, w, b, eps),
                  lambda g: norm_bounds(x.value, w if parameters else None, b, dims, eps, over, g),
                  {"normalized": list(last), "eps": eps}, dtypes=TWO_TYPES)
    for shape, groups, layout in [((2, 4), 2, "contiguous"), ((2, 6, 5), 3, "strided"), ((2, 4, 3, 3), 2, "contiguous"), ((2, 4, 3, 3), 2, "channels_last"),
                                  ((2, 4, 3, 3), 1, "transposed"), ((2, 4, 3, 3), 4, "offset"), ((1, 6, 2, 2), 3, "contiguous"), ((3, 2, 2, 3, 2), 2, "contiguous"),
                                  ((4, 6, 2), 2, "expanded")]:
        for parameters in (True, False):
            name = f"{shape} in {groups}, {layout}" + (", parameters" if parameters else "")
            random = Random("group_norm" + name)
            x, w, b = Input(random.values(shape), layout), random.values(shape[1:2]), random.values(shape[1:2])
            split = [shape[0], groups, shape[1] // groups] + list(shape[2:])
            dims = tuple(range(2, len(split)))

            def bounds(g):
                weight = w.reshape(groups, -1)
                limits = norm_bounds(x.value.reshape(split), weight if parameters else None, b, dims, 1e-5,
                                     [1, groups, shape[1] // groups] + [1] * (len(shape) - 2), g.reshape(split))
                return [e.reshape(shape) for e in limits[:2]] + [e.reshape(shape[1:2]) for e in limits[2:]]

            f.add("group_norm", name, [x] + ([Input(w), Input(b)] if parameters else []),
                  lambda x, w=None, b=None: F.group_norm(x, groups, w, b, 1e-5), bounds, {"groups": groups, "eps": 1e-5},
                  dtypes=TWO_TYPES)


def norm_extremes(f):
    """Without parameters. Beyond 1e19 the variance would exceed the range of float32."""
    rows = {"equal elements": [3.0] * 6, "zeros": [0.0] * 6, "large": [1e15, -1e15, 2e15, 0.0, 5e14, 1.0],
            "small": [1e-20, -1e-20, 3e-21, 0.0, 1e-30, 2e-20], "far from 0": [100.0, 100.125, 99.5, 100.25, 100.0, 101.0],
            "NaN": [1.0, NAN, 2.0, 3.0, 4.0, 5.0], "infinity": [1.0, INF, 2.0, 3.0, 4.0, 5.0]}
    for name, row in rows.items():
        x = torch.tensor([row], dtype=torch.float32).double()
        bounds = lambda g: norm_bounds(x, None, None, (1,), 1e-5, None, g)
        f.add("layer_norm", name, [Input(x)], lambda x: F.layer_norm(x, [6], eps=1e-5), bounds, {"normalized": [6], "eps": 1e-5},
              dtypes=TWO_TYPES)
        f.add("group_norm", name, [Input(x)], lambda x: F.group_norm(x, 1, eps=1e-5), bounds, {"groups": 1, "eps": 1e-5},
              dtypes=TWO_TYPES)
        statistics = [Input(torch.zeros(1).double(), wants_gradient=False) for _ in range(2)]
        column = lambda g: [e.reshape(6, 1) for e in bounds(g.reshape(1, 6))] + [None] * 2
        f.add("batch_norm", name, [Input(x.reshape(6, 1))] + statistics, lambda x, *_: F.batch_norm(x, None, None, training=True, eps=1e-5),
              column, {"training": True, "momentum": 0.1, "eps": 1e-5, "parameters": False}, dtypes=TWO_TYPES)


def softmax_of(x, axis):
    """e^z, its sum and z, for z = x - max(x)."""
    z = rounded(x) - rounded(x.amax(axis, keepdim=True))
    e = z.exp()
    return e, e.sum((axis,)), z


def softmaxes(f):
    cases = [((5, 7), 1, "contiguous"), ((5, 7), 0, "contiguous"), ((2, 5, 3), -2, "contiguous"), ((5, 1), 1, "contiguous"), ((7,), 0, "contiguous"),
             ((0, 7), 1, "contiguous"), ((5, 7), 1, "transposed"), ((5, 7), 1, "strided"), ((4, 6), 1, "expanded"), ((2, 5, 3, 2), 1, "channels_last"),
             ((2, 65), 1, "contiguous"), ((65, 2), 0, "offset"), ((5, 7), 1, "tied"), ((5, 7), 1, "large"), ((3, 5), 1, "infinite"),
             ((4, 5), 1, "not finite")]
    for shape, axis, layout in cases:
        special = layout in ("tied", "large", "infinite", "not finite")
        for op in ("softmax", "log_softmax"):
            name = f"{shape} over {axis}, {layout}"
            value = Random(op + name).values(shape, layout if layout == "tied" else "any")
            if layout == "large":
                value = value * 32
            if layout == "infinite":
                value[:, 1] = -INF
            if layout == "not finite":
                value[0, 1], value[1, 2], value[3, 4] = NAN, INF, NAN
            x = Input(value, "contiguous" if special else layout)

            def bounds(g):
                if x.value.numel() == 0:
                    return errors(None, None)
                finite = x.value.clamp(min=-1000)  # whose exponential is 0, too
                e, s, z = softmax_of(finite, axis)
                p, d = e / s, rounded(g)
                if op == "softmax":
                    return errors(p, p * (d - (d * p).sum((axis,))))
                # Either (x - max) - log(sum) or x - (max + log(sum)): the second one's rounding of the logarithm is added.
                y = z - s.log()
                total = finite - y.value
                return [y.error + total.abs(), (d - y.exp() * d.sum((axis,))).error]

            function = getattr(F, op)
            f.add(op, name, [x], lambda v: function(v, axis), bounds, {"axis": axis}, dtypes=TWO_TYPES if special else
                  ("float32", "float64", "float16", "bfloat16"))


def reduced(losses, reduction):
    if reduction == "none":
        return losses
    return losses.sum((0,), False) if reduction == "sum" else losses.mean((0,), False)


def losses(f):
    for shape, layout in [((7, 10), "contiguous"), ((1, 5), "contiguous"), ((5, 1), "contiguous"), ((7, 5), "transposed"), ((7, 5), "strided"), ((65, 2), "contiguous"),
                          ((4, 6), "expanded")]:
        for reduction in ("none", "mean", "sum"):
            name = f"{shape}, {reduction}, {layout}"
            for op in ("nll_loss", "cross_entropy"):
                random = Random(op + name)
                x, target = Input(random.values(shape), layout), Input(random.below(shape[1], shape[:1]))
                chosen = F.one_hot(target.value, shape[1]).double()

                def bounds(g):
                    each = rounded(g.expand(shape[0]).reshape(-1, 1))
                    if reduction == "mean":
                        each = each / float(shape[0])
                    if op == "nll_loss":
                        taken = rounded((x.value * chosen).sum(1))
                        return [reduced(taken, reduction).error, (each * rounded(chosen)).error, None]
                    e, s, z = softmax_of(x.value, 1)
                    y = s.log() - z
                    loss = Rounded((y.value * chosen).sum(1), ((y.error + (x.value + y.value).abs()) * chosen).sum(1))
                    return [reduced(loss, reduction).error, ((e / s - rounded(chosen)) * each).error, None]

                f.add(op, name, [x, target], lambda v, t: getattr(F, op)(v, t, reduction=reduction), bounds, {"reduction": reduction})
    for shape, layout in [((5, 7), "contiguous"), ((5, 7), "transposed"), ((3,), "strided"), ((2, 3, 4, 5), "channels_last")]:
        for reduction in ("none", "mean", "sum"):
            name = f"{shape}, {reduction}, {layout}"
            random = Random("mse_loss" + name)
            a, b = Input(random.values(shape), layout), Input(random.values(shape))

            def bounds(g):
                d = rounded(a.value) - rounded(b.value)
                squares = d * d
                y = Rounded(squares.value.reshape(-1), squares.error.reshape(-1))
                y = squares if reduction == "none" else reduced(y, reduction)
                each = rounded(g) if reduction != "mean" else rounded(g) / float(math.prod(shape))
                back = (d * each + d * each).error  # both operands of d * d
                return [y.error, back, back]

            f.add("mse_loss", name, [a, b], lambda x, y: F.mse_loss(x, y, reduction=reduction), bounds, {"reduction": reduction})
    for op in ("nll_loss", "cross_entropy"):
        x = (Random(op).values((4, 5)) * 32).double()
        target = torch.tensor([0, 4, 2, 2])
        chosen = F.one_hot(target, 5).double()

        def bounds(g):
            if op == "nll_loss":
                return [None, None, None]
            e, s, z = softmax_of(x, 1)
            y = s.log() - z
            return [((y.error + (x + y.value).abs()) * chosen).sum(1), ((e / s - rounded(chosen)) * rounded(g.reshape(-1, 1))).error, None]

        f.add(op, "large logits", [Input(x), Input(target)], lambda v, t: getattr(F, op)(v, t, reduction="none"), bounds,
              {"reduction": "none"}, dtypes=TWO_TYPES)


def random_ops(f):
    """PyTorch has other random streams. In training each element of dropout, or channel of dropout2d, is 0 or what PyTorch
    computes of those it keeps, in the result and in the gradient alike. The streams of numbers are held against quantiles."""
    for op, function, shapes in (("dropout", F.dropout, [((4, 6), "contiguous"), ((3, 5), "transposed"), ((2, 3, 4, 5), "channels_last"), ((4, 6), "strided")]),
                                 ("dropout2d", F.dropout2d, [((2, 3, 4, 5), "contiguous"), ((2, 3, 4, 5), "channels_last"), ((2, 3, 4, 5), "strided")])):
        for shape, layout in shapes:
            for p, training in ((0.0, True), (1.0, True), (0.5, False)):
                name = f"{shape}, {layout}, p {p}" + (", training" if training else "")
                x = Input(Random(op + name).values(shape), layout)
                f.add(op, name, [x], lambda v: function(v, p, training), None, {"p": p, "training": training})
            for p in (0.3, 0.5):
                name = f"{shape}, {layout}, p {p}, kept elements"
                x = Input(Random(op + name).values(shape), layout)
                scale = rounded(1.0) / rounded(1 - p)
                f.add(op, name, [x], lambda v: v / (1 - p), lambda g: errors(rounded(x.value) * scale, rounded(g) * scale),
                      {"p": p, "training": True}, kept=True)
    device = Input(torch.tensor([0], dtype=torch.int64))  # on which the numbers are drawn
    quantiles = torch.tensor([0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999]).double()
    for low, high in ((0.0, 1.0), (-1.0, 3.0), (100.0, 101.0)):
        f.add("rand_uniform", f"[{low}, {high})", [device], lambda n: torch.distributions.Uniform(low, high).icdf(quantiles).double(), None,
              {"count": 16384, "low": low, "high": high}, dtypes=TWO_TYPES, differentiable=False, quantiles=quantiles.tolist())
    for mean, deviation in ((0.0, 1.0), (-2.0, 0.5), (1000.0, 3.0)):
        f.add("rand_normal", f"mean {mean}, deviation {deviation}", [device],
              lambda n: torch.distributions.Normal(torch.tensor(mean).double(), torch.tensor(deviation).double()).icdf(quantiles), None,
              {"count": 16384, "mean": mean, "deviation": deviation}, dtypes=TWO_TYPES, differentiable=False, quantiles=quantiles.tolist())


def families():
    norms, classification, randoms = Family("norms"), Family("losses"), Family("random")
    batch_norms(norms)
    other_norms(norms)
    norm_extremes(norms)
    softmaxes(classification)
    losses(classification)
    random_ops(randoms)
    return [norms, classification, randoms]
