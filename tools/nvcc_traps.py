#!/usr/bin/env python3
"""Finds code in kernel files that nvcc is known to miscompile.

  tools/nvcc_traps.py FILE...

A lambda with template parameters inside a lambda with an `auto` parameter: nvcc 13.0 gives the inner one's packs the types
of the first instantiation, on the device's side alone. Name the type of the outer lambda's parameter.
"""
import pathlib
import re
import sys

GENERIC_LAMBDA = re.compile(r"\[[^\[\]]*\]\s*\([^()]*\bauto\b[^()]*\)[^{};]*\{")
TEMPLATE_LAMBDA = re.compile(r"\[[&=][^\[\]]*\]\s*<")


def body(text, start):
    """The text from `start`, just after a brace, to the brace that closes it."""
    depth = 1
    for i in range(start, len(text)):
        depth += (text[i] == "{") - (text[i] == "}")
        if depth == 0:
            return text[start:i]
    return text[start:]


def traps(text):
    """The line numbers of the inner lambdas."""
    text = re.sub(r"//[^\n]*", "", text)
    for outer in GENERIC_LAMBDA.finditer(text):
        inner = TEMPLATE_LAMBDA.search(body(text, outer.end()))
        if inner:
            yield text.count("\n", 0, outer.end() + inner.start()) + 1


PLANTED = "each([&](const auto& part) {\n  [&]<std::size_t... k>(std::index_sequence<k...>) { f(x[k]...); }(s);\n});"


def main():
    if list(traps(PLANTED)) != [2] or list(traps(PLANTED.replace("auto", "Part"))):
        sys.exit("nvcc_traps: does not find what it is made for")
    found = [(path, line) for path in sys.argv[1:] for line in traps(pathlib.Path(path).read_text())]
    for path, line in found:
        print(f"{path}:{line}: a lambda with template parameters inside a lambda with an `auto` parameter, which nvcc 13.0 "
              "miscompiles: name the outer parameter's type")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
