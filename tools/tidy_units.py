#!/usr/bin/env python3
"""Joins the sources of each folder into one unit for clang-tidy, so that every header is checked once per folder.

    tools/tidy_units.py BUILD FOLDER...

Reads BUILD/compile_commands.json and writes BUILD/units/ with a separate compile_commands.json. Sources compiled
with different flags are not joined.
"""
import collections
import json
import pathlib
import shlex
import sys

root = pathlib.Path(__file__).resolve().parent.parent
build = pathlib.Path(sys.argv[1]).resolve()
units = build / "units"
units.mkdir(exist_ok=True)

groups = collections.defaultdict(set)  # (folder, flags) -> sources
for entry in json.loads((build / "compile_commands.json").read_text()):
    source = pathlib.Path(entry["directory"], entry["file"])
    if not source.is_relative_to(root) or source.relative_to(root).parts[0] not in sys.argv[2:]:
        continue
    words = shlex.split(entry["command"])
    for option in ("-o", "-c"):
        at = words.index(option)
        del words[at : at + 2]
    groups[source.parent, tuple(words)].add(source)

commands = []
for (folder, words), sources in sorted(groups.items()):
    name = "-".join(folder.relative_to(root).parts)
    unit = units / f"{name}-{len(commands)}.cpp"
    lines = [f'#include "{source}"  // NOLINT(bugprone-suspicious-include)\n' for source in sorted(sources)]
    unit.write_text("".join(lines))
    # Names of different files shadow each other only in the joined unit. The regular build checks each file.
    arguments = [*words, "-Wno-shadow", "-c", str(unit)]
    commands.append({"directory": str(build), "file": str(unit), "arguments": arguments})
(units / "compile_commands.json").write_text(json.dumps(commands, indent=1))
print(f"{sum(len(sources) for sources in groups.values())} sources in {len(commands)} units")
