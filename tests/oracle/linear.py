"""Matrix products, convolutions and pooling: sums of products."""
import torch
import torch.nn.functional as F

from builder import DOUBLE, Family, Input, Random
from rounding import bounds_of_multilinear

# PyTorch's ReLU has the gradient 0 at 0; the sign of a sum near 0 depends on its rounding. Cases with a fused ReLU are drawn
# again until no sum is within its bound of 0, and are not run in 16 bits, whose bounds are wide. They have inputs of 24 bits.
TWO_TYPES = ("float32", "float64")
UNIT = 2.0**-24


def sums_of_products(f, op, name, shapes, layouts, function, options=None, activation=False, full=False, **more):
    full = full or activation
    name += ", 24 bits" if full else ""
    for attempt in range(100):
        random = Random(f"{op}{name}{attempt}")
        inputs = [Input(random.values(s, "full" if full else "any"), layout) for s, layout in zip(shapes, layouts)]
        values = [x.value for x in inputs]
        y = function(*values)
        extra = 1 if len(shapes) > 2 else 0  # adding the bias
        limits = bounds_of_multilinear(function, values, torch.ones_like(y), extra=extra)
        if not activation or bool(((y.abs() > 8 * UNIT * limits[0]) | (limits[0] == 0)).all()):
            break
    else:
        raise AssertionError(f"{op}: {name}")

    def bounds(g):
        masked = torch.where(y > 0, g, torch.zeros_like(g)) if activation else g
        return bounds_of_multilinear(function, values, masked, extra=extra)

    options = dict(options or {})
    if activation:
        options["activation"] = "relu"
    if full:
        more["dtypes"] = TWO_TYPES
    f.add(op, name, inputs, (lambda *x: F.relu(function(*x))) if activation else function, bounds, options, **more)


INF, NAN = float("inf"), float("nan")


def not_finite(f):
    """NaN and infinity reach the results of their row, column or window alone; a sum beyond float32 is infinite there."""
    a = torch.tensor([[INF, 1, 0], [NAN, 1, 2], [3e38, 3e38, 1], [1e-30, 1, 1], [-INF, 1, 1]], dtype=torch.float32).double()
    b = torch.tensor([[0, 1], [2, 1e10], [-1, 1]], dtype=torch.float32).double()
    bias = torch.tensor([1.0, -2.0]).double()
    ones = torch.ones((5, 2)).double()
    for op, function, inputs, extra in (("matmul", torch.matmul, [a, b], 0), ("linear", F.linear, [a, b.t().contiguous(), bias], 1),
                                        ("addmm", torch.addmm, [bias, a, b], 1)):
        f.add(op, "infinities and NaN", [Input(v) for v in inputs], function,
              lambda g: bounds_of_multilinear(function, inputs, g, extra=extra), gradient=ones, dtypes=TWO_TYPES)


def images_not_finite(f):
    for layout in ("contiguous", "channels_last"):
        random = Random(f"conv2d not finite {layout}")
        x, w = random.values((2, 3, 6, 5)), random.values((4, 3, 3, 3))
        x[0, 1, 2, 2], x[0, 2, 5, 4], x[1, 0, 0, 0] = NAN, INF, -INF
        function = lambda x, w: F.conv2d(x, w, padding=1)
        f.add("conv2d", f"infinities and NaN, {layout}", [Input(x, layout), Input(w)], function,
              lambda g: bounds_of_multilinear(function, [x, w], g),
              {"stride": [1, 1], "padding": [1, 1], "dilation": [1, 1], "groups": 1}, dtypes=TWO_TYPES)


def matrix_products(f):
    for a, b, layouts in [((5, 7), (7, 4), "cc"), ((1, 1), (1, 1), "cc"), ((5, 7), (7, 4), "tc"), ((5, 7), (7, 4), "ct"),
                          ((5, 7), (7, 4), "tt"), ((5, 7), (7, 4), "so"), ((7,), (7, 4), "cc"), ((5, 7), (7,), "cc"), ((7,), (7,), "cc"),
                          ((2, 5, 7), (2, 7, 4), "cc"), ((2, 5, 7), (7, 4), "tc"), ((5, 7), (2, 7, 4), "ct"), ((2, 1, 5, 7), (3, 7, 4), "cc"),
                          ((3, 2, 5), (5,), "sc"), ((0, 7), (7, 4), "cc"), ((5, 0), (0, 4), "cc"), ((17, 33), (33, 15), "cc"),
                          ((3, 129), (129, 2), "ct"), ((1, 64), (64, 31), "cc"), ((31, 3), (3, 1), "tc"), ((4, 6), (6, 5), "ec"),
                          ((2, 3, 4, 5), (2, 3, 5, 2), "oc"), ((16, 16), (16, 16), "cc"), ((65, 2), (2, 3), "ss")]:
        names = {"c": "contiguous", "t": "transposed", "s": "strided", "o": "offset", "e": "expanded"}
        layouts = [names[x] for x in layouts]
        for full in (False, True):
            sums_of_products(f, "matmul", f"{a} @ {b}, {layouts[0]} and {layouts[1]}", [a, b], layouts, torch.matmul, full=full,
                             gradient_layout="contiguous" if len(a) == 1 or len(b) == 1 or 0 in a else "transposed")
    # 8192 products and more: below, oneDNN's provider declines.
    for x, w, layout in [((5, 7), (4, 7), "strided"), ((2, 3, 7), (4, 7), "transposed"), ((1, 9), (1, 9), "contiguous"),
                         ((16, 33), (17, 33), "contiguous"), ((4, 6), (5, 6), "expanded"), ((7,), (4, 7), "contiguous"), ((0, 7), (4, 7), "contiguous")]:
        for bias in (True, False):
            for activation in (False, True):
                name = f"{x} with {w}, {layout}" + (", bias" if bias else "") + (", relu" if activation else "")
                sums_of_products(f, "linear", name, [x, w] + ([(w[0],)] if bias else []), [layout, "contiguous", "contiguous"],
                                 F.linear, activation=activation)
    for bias, a, b, layout in [((4,), (5, 7), (7, 4), "contiguous"), ((5, 4), (5, 7), (7, 4), "transposed"), ((5, 1), (5, 7), (7, 4), "strided"),
                               ((), (5, 7), (7, 4), "contiguous"), ((1, 15), (17, 33), (33, 15), "offset"), ((3,), (4, 0), (0, 3), "contiguous"),
                               ((2,), (0, 3), (3, 2), "contiguous"), ((1,), (1, 1), (1, 1), "contiguous")]:
        # The gradient of the bias is a sum, in any order.
        for full in (False, True):
            sums_of_products(f, "addmm", f"{bias} + {a} @ {b}, {layout}", [bias, a, b], ["contiguous", layout, "contiguous"],
                             torch.addmm, full=full)


CONVOLUTIONS = [  # x, w, options: stride, padding, dilation, groups; layout
    ((2, 3, 7, 6), (4, 3, 3, 3), 1, 0, 1, 1, "contiguous"), ((1, 1, 1, 1), (1, 1, 1, 1), 1, 0, 1, 1, "contiguous"),
    ((2, 3, 7, 6), (4, 3, 3, 3), 2, 1, 1, 1, "contiguous"), ((2, 3, 7, 6), (4, 3, 3, 3), 1, 1, 1, 1, "channels_last"),
    ((2, 3, 9, 8), (2, 3, 3, 3), 1, 0, 2, 1, "contiguous"), ((1, 2, 9, 8), (3, 2, 2, 3), (2, 1), (1, 2), (2, 3), 1, "contiguous"),
    ((2, 4, 6, 6), (6, 2, 3, 3), 1, 1, 1, 2, "contiguous"), ((2, 4, 6, 6), (6, 2, 3, 3), 1, 0, 1, 2, "channels_last"),
    ((1, 6, 7, 7), (3, 2, 3, 3), 2, 2, 2, 3, "contiguous"), ((2, 5, 6, 5), (5, 1, 3, 3), 1, 1, 1, 5, "contiguous"),
    ((2, 5, 6, 5), (5, 1, 3, 3), 2, 1, 1, 5, "channels_last"), ((1, 3, 6, 6), (6, 1, 3, 3), 1, 0, 1, 3, "strided"),
    ((2, 5, 4, 3), (7, 5, 1, 1), 1, 0, 1, 1, "contiguous"), ((2, 5, 4, 3), (3, 5, 1, 1), 2, 0, 1, 1, "channels_last"),
    ((1, 2, 9, 4), (2, 2, 5, 1), 1, (2, 0), 1, 1, "transposed"), ((1, 2, 4, 9), (2, 2, 1, 4), (1, 3), 0, 1, 1, "strided"),
    ((1, 2, 5, 4), (3, 2, 5, 4), 1, 0, 1, 1, "offset"), ((1, 2, 3, 3), (2, 2, 2, 2), 1, 3, 1, 1, "contiguous"),
    ((1, 2, 2, 3), (2, 2, 4, 5), 1, 1, 1, 1, "contiguous"), ((1, 2, 9, 9), (2, 2, 2, 2), 3, 0, 1, 1, "contiguous"),
    ((0, 2, 5, 5), (3, 2, 3, 3), 1, 0, 1, 1, "contiguous"), ((2, 17, 4, 4), (3, 17, 3, 3), 1, 1, 1, 1, "contiguous"),
    ((2, 2, 6, 6), (3, 2, 3, 3), 1, 0, 1, 1, "expanded"), ((1, 8, 5, 5), (16, 8, 3, 3), 1, 1, 1, 1, "channels_last"),
    ((3, 1, 8, 8), (8, 1, 3, 3), 1, 0, 1, 1, "contiguous"), ((1, 1, 12, 12), (2, 1, 7, 7), 2, 3, 1, 1, "contiguous")]


def pair(x):
    return list(x) if isinstance(x, tuple) else [x, x]


def convolutions(f):
    for i, (x, w, stride, padding, dilation, groups, layout) in enumerate(CONVOLUTIONS):
        name = f"{x} with {w}, stride {stride}, padding {padding}, dilation {dilation}, groups {groups}, {layout}"
        function = lambda x, w, b=None: F.conv2d(x, w, b, stride, padding, dilation, groups)
        options = {"stride": pair(stride), "padding": pair(padding), "dilation": pair(dilation), "groups": groups}
        for bias, activation in ((i % 2 == 0, False), (i % 3 == 0, True)):
            suffix = (", bias" if bias else "") + (", relu" if activation else "")
            shapes = [x, w] + ([(w[0],)] if bias else [])
            # The kernels of conv2d compute in float32 and float64.
            sums_of_products(f, "conv2d", name + suffix, shapes, [layout, "contiguous", "contiguous"], function, options, activation,
                             full=i % 4 == 1, dtypes=TWO_TYPES,
                             gradient_layout=layout if layout == "channels_last" else "contiguous")


POOLS = [  # x, kernel, stride, padding, layout
    ((2, 3, 8, 6), 2, None, 0, "contiguous"), ((2, 3, 7, 5), 2, None, 0, "channels_last"), ((1, 2, 9, 7), 3, None, 0, "transposed"),
    ((2, 3, 3, 3), 1, None, 0, "contiguous"), ((2, 3, 5, 5), 1, 2, 0, "contiguous"), ((1, 3, 7, 8), 3, 1, 0, "strided"),
    ((2, 3, 6, 6), 3, 2, 1, "contiguous"), ((2, 3, 6, 6), 3, 2, 1, "channels_last"), ((1, 3, 8, 9), (2, 4), (1, 3), (1, 2), "contiguous"),
    ((2, 3, 5, 7), (5, 7), None, 0, "offset"), ((1, 2, 9, 9), 2, 3, 0, "contiguous"), ((1, 2, 2, 3), (4, 5), None, 1, "contiguous"),
    ((3, 2, 6, 6), 2, None, 0, "expanded"), ((1, 5, 6, 5), 2, 1, 1, "channels_last"), ((0, 3, 6, 6), 2, None, 0, "contiguous"),
    ((1, 1, 1, 1), 1, None, 0, "contiguous")]


def pools(f):
    for x, kernel, stride, padding, layout in POOLS:
        name = f"{x}, kernel {kernel}, stride {stride}, padding {padding}, {layout}"
        options = {"kernel": pair(kernel), "stride": pair(stride or 0), "padding": pair(padding)}
        window = pair(kernel)[0] * pair(kernel)[1]
        for kind in ("distinct", "tied"):  # PyTorch passes the gradient of a tie to the first one
            value = Random(f"max_pool2d{name}{kind}").values(x, "tied" if kind == "tied" or 0 in x else "any")
            largest = lambda v: F.max_pool2d(v, kernel, stride, padding)
            source = Input(value, layout)

            def bounds(g):  # overlapping windows add their gradients
                return [None, overlaps(lambda v: largest(v), source.value, g)]

            f.add("max_pool2d", f"{name}, {kind}", [source], largest, bounds, options)
        average = lambda v: F.avg_pool2d(v, kernel, stride, padding)
        value = Input(Random("avg_pool2d" + name).values(x), layout)
        f.add("avg_pool2d", name, [value], average,
              lambda g: bounds_of_multilinear(average, [value.value], g, products=0, extra=2, terms_scale=window), options)
    x = torch.tensor([[[[NAN, 1, -INF, -INF], [2, 3, -INF, -INF], [1, NAN, INF, 1], [NAN, 2, 3, INF]]]]).double()
    for op, function in (("max_pool2d", F.max_pool2d), ("avg_pool2d", F.avg_pool2d)):
        f.add(op, "infinities and NaN", [Input(x)], lambda v: function(v, 2), None,
              {"kernel": [2, 2], "stride": [0, 0], "padding": [0, 0]}, dtypes=TWO_TYPES)


def overlaps(function, x, g):
    def run(gradient):
        leaf = x.clone().requires_grad_()
        return torch.autograd.grad(function(leaf), leaf, gradient)[0]

    return (run(torch.ones_like(g)) - 1).clamp(min=0) * run(g.abs())


def families():
    products, images = Family("products"), Family("images")
    matrix_products(products)
    not_finite(products)
    convolutions(images)
    images_not_finite(images)
    pools(images)
    return [products, images]
