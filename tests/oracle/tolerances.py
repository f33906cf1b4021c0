"""The tolerance of every op, in multiples of the bound of its rounding errors (rounding.py). README.md lists them."""

# Elementary functions of the libraries are accurate to 3 or 4 units in the last place, not to the one that a bound of two
# roundings assumes; 2 where they are part of a sum.
MULTIPLES = {
    4: ("pow", "exp", "log", "gelu", "sigmoid", "softplus", "tanh"),
    2: ("softmax", "log_softmax", "cross_entropy"),
    1: ("add", "sub", "mul", "div", "maximum", "minimum", "affine", "square", "reciprocal", "sqrt", "relu", "clamp", "where",
        "eq", "ne", "lt", "le", "gt", "ge", "sum", "mean", "max", "argmax", "sum_to", "reshape", "permute", "slice", "expand",
        "flatten", "cast", "contiguous", "clone", "cat", "matmul", "linear", "addmm", "conv2d", "max_pool2d", "avg_pool2d",
        "batch_norm", "layer_norm", "group_norm", "dropout", "dropout2d", "nll_loss", "mse_loss", "embedding", "decode_rows",
        "rand_uniform", "rand_normal"),
}
TOLERANCES = {op: multiple for multiple, ops in MULTIPLES.items() for op in ops}
