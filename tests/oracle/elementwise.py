"""Element-wise ops: unary functions, broadcasting arithmetic, comparisons, where."""
import math

import torch
import torch.nn.functional as F

from builder import DOUBLE, Family, Input, Random, errors
from rounding import Rounded, magnitude, rounded

INF, NAN = float("inf"), float("nan")
TWO_TYPES = ("float32", "float64")  # for values that 16 bits do not hold

# PyTorch's own gelu, sigmoid, softplus and tanh, or their gradients, cancel in the tails: gelu(-8) has no correct digit in
# float64. These formulas of PyTorch's erfcx, exp and expm1 do not. Near 0 both agree (check_formulas).


class Gelu(torch.autograd.Function):
    """The square of a float32 number is exact in float64, and so is the exponent of the density."""

    @staticmethod
    def forward(context, x):
        context.save_for_backward(x)
        return x * Gelu.distribution(x)

    @staticmethod
    def backward(context, g):
        x, = context.saved_tensors
        return g * (Gelu.distribution(x) + x * torch.exp(-x * x / 2) / (2 * math.pi) ** 0.5)

    @staticmethod
    def distribution(x):
        tail = torch.special.erfcx(x.abs() * 0.5**0.5) * torch.exp(-x * x / 2) / 2
        return torch.where(x < 0, tail, 1 - tail)


gelu = Gelu.apply


def negated_magnitude(x):
    """-|x|, with the gradient -1 at 0, where that of abs would be 0."""
    return torch.where(x >= 0, -x, x)


def sigmoid(x):
    e = torch.exp(negated_magnitude(x))
    return torch.where(x >= 0, 1 / (1 + e), e / (1 + e))


def softplus(x):
    return F.softplus(x, threshold=700)


class Tanh(torch.autograd.Function):
    """Of e = exp(-2 |x|): expm1's own gradient, e as 1 + (e - 1), would be 0 in the tail."""

    @staticmethod
    def forward(context, x):
        context.save_for_backward(x)
        y = -torch.expm1(-2 * x.abs()) / (1 + torch.exp(-2 * x.abs()))
        return torch.where(x >= 0, y, -y)

    @staticmethod
    def backward(context, g):
        x, = context.saved_tensors
        e = torch.exp(-2 * x.abs())
        return g * (4 * e / ((1 + e) * (1 + e)))


tanh = Tanh.apply


def check_formulas():
    x = (torch.arange(-24, 25, dtype=DOUBLE) / 8).requires_grad_()
    for ours, theirs in ((gelu, F.gelu), (sigmoid, torch.sigmoid), (softplus, F.softplus), (tanh, torch.tanh)):
        both = [(y, torch.autograd.grad(y.sum(), x)[0]) for y in (ours(x), theirs(x))]
        for a, b in zip(*both):
            assert torch.allclose(a, b, rtol=1e-12, atol=1e-14), ours


# Roundings of the value and of the gradient. An elementary function counts two.
UNARY = {
    "square": (torch.square, 1, 2, "any"),
    "reciprocal": (torch.reciprocal, 1, 2, "any"),
    "exp": (torch.exp, 2, 3, "any"),
    "log": (torch.log, 2, 1, "positive"),
    "sqrt": (torch.sqrt, 1, 2, "positive"),
    "relu": (torch.relu, 0, 0, "any"),
    "gelu": (gelu, 4, 7, "any"),  # x erfc(c x) / 2; the density takes five more
    "sigmoid": (sigmoid, 4, 7, "any"),  # 1 / (1 + e); e / (1 + e)^2 g
    "softplus": (softplus, 5, 5, "any"),  # max(x, 0) + log1p(e)
    "tanh": (tanh, 2, 8, "any"),
}

# Results and gradients stay within the range of float32, or leave it for infinity or 0.
EXTREMES = {
    "square": [0.0, -0.0, 1e-30, 1e-19, -1e19, 1e30, 3e38, INF, -INF, NAN],
    "reciprocal": [1e-18, -1e-18, 1e18, -1e18, 3.0, 1e-10, INF, -INF, NAN],
    "exp": [0.0, -0.0, -80.0, 80.0, 88.5, -87.0, 89.5, 1000.0, -1000.0, INF, -INF, NAN, 1e-30],
    "log": [1e-37, 1e38, 1.0, 1.0000001, 0.99999994, 0.0, INF, NAN],
    "sqrt": [1e-37, 3e38, 1.0000001, 0.0, INF, NAN],
    "relu": [0.0, -0.0, 1e-40, -1e-40, 3e38, -3e38, INF, -INF, NAN],
    "gelu": [0.0, -0.0, -5.5, -6.5, -8.0, -12.0, -12.9, 6.5, 12.0, 1e-30, -1e-30, 1e30, -40.0, -1e10, 1e10],
    "sigmoid": [0.0, -0.0, -80.0, -20.0, 20.0, 87.0, -200.0, 200.0, 1e-30, INF, -INF, NAN],
    "softplus": [0.0, -0.0, -80.0, -20.0, 20.0, 21.0, 87.0, -200.0, 200.0, 1e30, NAN],
    "tanh": [1e-30, -1e-30, 1e-5, -1e-3, 9.0, -9.5, 20.0, 40.0, -100.0, INF, -INF, NAN],
}

LAYOUTS = [((7,), "contiguous"), ((), "contiguous"), ((5, 7), "transposed"), ((3, 2, 9), "strided"),
           ((2, 3, 4, 5), "channels_last"), ((4, 6), "expanded"), ((3, 11), "offset"), ((0, 3), "contiguous")]


def gradient_scale(op, x, derivative):
    """The larger term of a derivative whose terms cancel."""
    if op != "gelu":
        return derivative.abs()
    density = torch.exp(-x * x / 2) * 0.3989422804014327
    return torch.maximum(torch.special.erfc(-x * 0.5**0.5) / 2, (x * density).abs().nan_to_num())


def unary(f):
    for op, (function, roundings, gradient_roundings, kind) in UNARY.items():

        def bounds(x):
            leaf = x.clone().requires_grad_()
            y = function(leaf)
            slope, = torch.autograd.grad(y, leaf, torch.ones_like(y))
            return lambda g: [roundings * magnitude(y.detach()),
                              gradient_roundings * magnitude(gradient_scale(op, x, slope) * g)]

        def case(name, x, layout="contiguous", **more):
            f.add(op, name, [Input(x, layout)], function, bounds(Input(x, layout).value), **more)

        for shape, layout in LAYOUTS:
            name = f"{layout} {shape}"
            case(name, Random(op + name).values(shape, kind), layout, gradient_layout=layout if shape else "contiguous")
        x = torch.tensor(EXTREMES[op], dtype=torch.float32).double()
        case("extremes", x, gradient=torch.ones_like(x), dtypes=TWO_TYPES)
        sweep = torch.linspace(0.01 if kind == "positive" else -12, 12, 157).double()
        case("sweep", sweep, dtypes=TWO_TYPES)


def with_parameters(f):
    def case(op, name, x, function, bounds, options, layout="contiguous", **more):
        f.add(op, name, [Input(x, layout)], function, bounds, options, **more)

    for scale, shift in ((2.0, -1.0), (-0.3, 0.7), (1.0, 1e-3), (0.0, 5.0), (-1.0, 0.0)):
        for shape, layout in LAYOUTS[2:6]:
            name = f"{scale} x + {shift}, {layout}"
            x = Input(Random("affine" + name).values(shape), layout).value
            case("affine", name, x, lambda x: x * scale + shift,
                 lambda g: errors(rounded(x) * rounded(scale) + rounded(shift), rounded(g) * rounded(scale)),
                 {"scale": scale, "shift": shift}, layout)
    for exponent in (2.0, 3.0, 0.5, -1.0, -1.3, 2.7, 0.0, 1.0):
        for shape, layout in (((5, 7), "transposed"), ((11,), "contiguous")):
            name = f"{exponent}, {layout}"
            x = Random("pow" + name).values(shape, "positive")
            case("pow", name, x, lambda x: x**exponent,
                 lambda g: [2 * x**exponent, 4 * (g * exponent * x ** (exponent - 1)).abs()], {"exponent": exponent},
                 layout)
    x = Random("pow of negative numbers").values((13,))
    for exponent in (2.0, 3.0, -2.0):
        case("pow", f"{exponent} of negative numbers", x, lambda x: x**exponent,
             lambda g: [2 * (x**exponent).abs(), 4 * (g * exponent * x ** (exponent - 1)).abs()], {"exponent": exponent})
    for low, high in ((-1.0, 1.0), (0.5, 0.5), (-INF, 0.0), (0.0, INF), (-0.3, 2.7)):
        for shape, layout in LAYOUTS[:4]:
            name = f"[{low}, {high}], {layout} {shape}"
            # At a bound itself PyTorch 2.15 has the gradient 0, clamp and earlier versions 1: no element is there. A bound
            # that float32 does not hold is rounded.
            x = Random("clamp" + name).values(shape)
            x = torch.where((x == low) | (x == high), x * 1.5, x)
            case("clamp", name, x, lambda x: torch.clamp(x, low, high),
                 lambda g: [magnitude(torch.clamp(x, low, high)), None], {k: v for k, v in (("low", low), ("high", high)) if abs(v) != INF}, layout)
    for s in (3.0, 0.7, -255.0, 1e10):
        for shape, layout in LAYOUTS[2:4]:
            name = f"{s}, {layout}"
            x = Input(Random("div" + name).values(shape), layout).value
            types = TWO_TYPES if s == 1e10 else ("float32", "float64", "float16", "bfloat16")
            case("div", "by " + name, x, lambda x: x / s, lambda g: errors(rounded(x) / rounded(s), rounded(g) / rounded(s)),
                 {"divisor": s}, layout, dtypes=types)
            case("div", "of " + name, x, lambda x: s / x,
                 lambda g: errors(rounded(s) / rounded(x), rounded(g) / rounded(x) * (rounded(s) / rounded(x))),
                 {"dividend": s}, layout, dtypes=types)


SHAPES = [((5, 7), (5, 7), "contiguous", "transposed"), ((5, 7), (7,), "strided", "contiguous"),
          ((5, 1), (1, 7), "contiguous", "offset"), ((2, 3, 4), (), "transposed", "contiguous"),
          ((3, 1, 5), (2, 3, 4, 5), "contiguous", "channels_last"), ((2, 3, 4, 5), (3, 1, 1), "channels_last", "contiguous"),
          ((4, 6), (4, 6), "expanded", "contiguous"), ((1,), (1, 1), "contiguous", "contiguous"),
          ((0, 3), (3,), "contiguous", "contiguous"), ((2, 1, 2, 1, 2), (2, 1, 2, 1), "contiguous", "strided"),
          ((33, 1), (33, 5), "contiguous", "contiguous")]


def split(g, first, tie):
    """The gradients of maximum and minimum: a tie has half of it on either side."""
    a = torch.where(tie, g / 2, torch.where(first, g, torch.zeros_like(g)))
    return a, g - a


def binary_bounds(op, a, b):
    x, y = rounded(a), rounded(b)

    def bounds(g):
        d = rounded(g)
        if op in ("maximum", "minimum"):
            ga, gb = split(g, a > b if op == "maximum" else a < b, a == b)
            return errors(None, rounded(ga).sum_to(a.shape), rounded(gb).sum_to(b.shape))
        result, da, db = {"add": lambda: (x + y, d, d), "sub": lambda: (x - y, d, d),
                          "mul": lambda: (x * y, d * y, d * x), "div": lambda: (x / y, d / y, d / y * (x / y))}[op]()
        return errors(result, da.sum_to(a.shape), db.sum_to(b.shape))

    return bounds


BINARY = {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div, "maximum": torch.maximum,
          "minimum": torch.minimum}


def binary(f):
    for op, function in BINARY.items():
        kinds = ("any", "tied") if op in ("maximum", "minimum") else ("any",)
        for kind in kinds:
            for first, second, layout, other in SHAPES:
                name = f"{first} and {second}, {layout} and {other}" + (", ties" if kind == "tied" else "")
                random = Random(op + name)
                a, b = Input(random.values(first, kind), layout), Input(random.values(second, kind), other)
                f.add(op, name, [a, b], function, binary_bounds(op, a.value, b.value))
        a = torch.tensor([INF, -INF, NAN, 1.0, 0.0, -0.0, 3e38, 1e-38, 1.0]).double()
        b = torch.tensor([1.0, INF, 1.0, NAN, 1.0, 4.0, 1e-3, 1e30, INF]).double()
        f.add(op, "extremes", [Input(a), Input(b)], function, binary_bounds(op, a, b), gradient=torch.ones_like(a),
              dtypes=TWO_TYPES)


def where_and_comparisons(f):
    mask_shapes = [((5, 7), (5, 7), (5, 7)), ((7,), (5, 1), (1, 7)), ((2, 1, 3), (), (4, 1)), ((5, 7), (), ()),
                   ((0, 3), (3,), (1,)), ((1,), (4, 6), (6,)), ((2, 3, 1, 1), (2, 3, 4, 5), (4, 5))]
    for i, shapes in enumerate(mask_shapes):
        for layout in ("contiguous", "strided"):
            name = f"{shapes}, {layout}"
            random = Random("where" + name)
            condition = random.below(2, shapes[0]).to(torch.uint8)
            a, b = random.values(shapes[1]), random.values(shapes[2])
            fits = lambda x: layout if x.dim() else "contiguous"

            def bounds(g):
                chosen = condition.bool()
                zero = torch.zeros_like(g)
                return errors(None, None, rounded(torch.where(chosen, g, zero)).sum_to(a.shape),
                              rounded(torch.where(chosen, zero, g)).sum_to(b.shape))

            f.add("where", name, [Input(condition, fits(condition)), Input(a, fits(a)), Input(b, fits(b))],
                  lambda c, x, y: torch.where(c.bool(), x, y), bounds)
    for op in ("eq", "ne", "lt", "le", "gt", "ge"):
        compare = lambda a, b: getattr(torch, op)(a, b).to(torch.uint8)
        for first, second, layout, other in SHAPES[:6]:
            name = f"{first} and {second}, {layout} and {other}"
            random = Random(op + name)
            f.add(op, name, [Input(random.values(first, "tied"), layout), Input(random.values(second, "tied"), other)],
                  compare, differentiable=False)
        a = torch.tensor([INF, -INF, NAN, NAN, 1.0, 0.0, 1e-45, INF]).double()
        b = torch.tensor([INF, INF, NAN, 1.0, NAN, -0.0, 0.0, 3e38]).double()
        f.add(op, "extremes", [Input(a), Input(b)], compare, dtypes=TWO_TYPES, differentiable=False)


def families():
    check_formulas()
    unary_family, binary_family = Family("unary"), Family("binary")
    unary(unary_family)
    with_parameters(unary_family)
    binary(binary_family)
    where_and_comparisons(binary_family)
    return [unary_family, binary_family]
