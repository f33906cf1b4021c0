"""Running error analysis: values with a first-order bound of their rounding errors, in units of the unit roundoff.

A bound is that of the textbook formula, whatever the order of its sums: n terms cost n - 1 roundings of the sum of their
magnitudes (Higham, Accuracy and Stability of Numerical Algorithms, chapter 3). An elementary function costs two.
"""
import torch

SMALLEST_NORMAL = 2.0**-126  # of float32: below, the rounding error is absolute


def magnitude(value):
    return value.abs().clamp(min=SMALLEST_NORMAL)


class Rounded:
    def __init__(self, value, error=None):
        self.value = value
        self.error = torch.zeros_like(value) if error is None else error

    @staticmethod
    def computed(value, error, roundings=1):
        return Rounded(value, error + roundings * magnitude(value))

    def __add__(self, other):
        other = rounded(other)
        return Rounded.computed(self.value + other.value, self.error + other.error)

    def __neg__(self):
        return Rounded(-self.value, self.error)

    def __sub__(self, other):
        return self + (-rounded(other))

    def __mul__(self, other):
        other = rounded(other)
        error = self.error * other.value.abs() + self.value.abs() * other.error
        return Rounded.computed(self.value * other.value, error)

    def __truediv__(self, other):
        other = rounded(other)
        quotient = self.value / other.value
        return Rounded.computed(quotient, (self.error + quotient.abs() * other.error) / other.value.abs())

    def sum(self, dims, keepdim=True):
        terms = 1
        for dim in dims:
            terms *= self.value.shape[dim]
        if not dims:
            return self
        add = lambda x: x.sum(dims, keepdim=keepdim)
        return Rounded(add(self.value), add(self.error) + max(terms - 1, 0) * add(self.value.abs()))

    def mean(self, dims, keepdim=True):
        terms = 1
        for dim in dims:
            terms *= self.value.shape[dim]
        return self.sum(dims, keepdim) / float(terms)

    def sum_to(self, shape):
        """The adjoint of broadcasting."""
        shape = list(shape)
        added = self.value.dim() - len(shape)
        dims = [i for i in range(self.value.dim()) if i < added or shape[i - added] != self.value.shape[i]]
        total = self.sum(dims)
        return Rounded(total.value.reshape(shape), total.error.reshape(shape))

    def exp(self):
        y = self.value.exp()
        return Rounded.computed(y, y * self.error, 2)

    def log(self):
        return Rounded.computed(self.value.log(), self.error / self.value.abs(), 2)

    def rsqrt(self):
        y = self.value.rsqrt()
        return Rounded.computed(y, y * self.error / self.value.abs() / 2, 2)

    def reshape(self, shape):
        return Rounded(self.value.reshape(shape), self.error.reshape(shape))


def rounded(x):
    """A number that no binary fraction of 24 bits equals is rounded once."""
    if isinstance(x, Rounded):
        return x
    if isinstance(x, (int, float)):
        value = torch.tensor(float(x), dtype=torch.float64)
        is_exact = value.float().double() == value
        return Rounded(value) if is_exact else Rounded.computed(value, torch.zeros_like(value))
    return Rounded(x)


def bounds_of_multilinear(function, inputs, gradient, products=1, extra=0, terms_scale=1):
    """Bounds of sums of products: `function` is linear in each input, and nonnegative for nonnegative ones.

    With ones for inputs it counts the terms of each sum, with magnitudes it adds those of the terms. A sum of n terms of
    `products` multiplications each costs n - 1 + products + extra roundings. `terms_scale` undoes a coefficient of the
    terms, such as 1 / n of a mean. Returns those of the result and of the gradient of each input.
    """

    def run(values, g):
        leaves = [v.clone().requires_grad_() for v in values]
        y = function(*leaves)
        grads = torch.autograd.grad(y, leaves, g, allow_unused=True)
        zeros = lambda i: torch.zeros_like(values[i])
        return [y.detach()] + [zeros(i) if d is None else d for i, d in enumerate(grads)]

    ones = lambda x: None if x is None else torch.ones_like(x)
    counts = run([ones(x) for x in inputs], ones(gradient))
    sums = run([x.abs() for x in inputs], gradient.abs())
    return [
        ((count * terms_scale - 1).clamp(min=0) + products + extra) * total for count, total in zip(counts, sums)
    ]
