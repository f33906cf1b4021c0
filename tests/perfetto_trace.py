#!/usr/bin/env python3
"""Loads a trace in Perfetto's trace processor and prints query results as JSON.

  perfetto_trace.py FOLDER TRACE    FOLDER: the virtual environment

Status 77, with the reason, if Perfetto's Python package or its trace processor is unavailable.
"""

import json
import subprocess
import sys
from pathlib import Path

QUERIES = {
    "slices": "select count(*) as n from slice",
    "deepest": "select max(depth) as n from slice",
    "flows": "select count(*) as n from flow",
    "counts": "select count(*) as n from counter",
    "duration_ns": "select sum(dur) as n from slice where depth = 0 and category not like 'step%'",
    "errors": "select count(*) as n from stats where severity = 'error' and value > 0",
}


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def environment(folder):
    python = folder / "bin" / "python"
    if not python.exists():
        try:
            subprocess.run([sys.executable, "-m", "venv", folder], check=True, capture_output=True, timeout=60)
        except (subprocess.SubprocessError, OSError) as error:
            skip(f"no virtual environment: {error}")
    try:
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--retries", "0", "--timeout", "10", "perfetto"],
                       check=True, capture_output=True, timeout=120)
    except (subprocess.SubprocessError, OSError):
        skip("the Python package perfetto can't be installed")
    return python


def query(trace):
    from perfetto.trace_processor import TraceProcessor
    try:
        processor = TraceProcessor(trace=trace)
    except (subprocess.SubprocessError, OSError) as error:  # it downloads its binary on first use
        skip(f"Perfetto's trace processor is unavailable ({type(error).__name__})")
    print(json.dumps({name: next(iter(processor.query(sql))).n for name, sql in QUERIES.items()}))


def main():
    if sys.argv[1] == "--query":
        query(sys.argv[2])
        return
    python = environment(Path(sys.argv[1]))
    sys.exit(subprocess.run([python, __file__, "--query", sys.argv[2]], stderr=subprocess.DEVNULL, timeout=200).returncode)


if __name__ == "__main__":
    main()
