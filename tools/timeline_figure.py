#!/usr/bin/env python3
"""Draws one step of a trace as an SVG: what the host did, what the device did, and when it was idle.

    tools/timeline_figure.py trace.json --step 3 --output docs/timeline.svg
"""
import argparse
import json
import pathlib
import sys
from xml.sax.saxutils import escape

WIDTH, LEFT, TRACK, GAP, TOP = 900, 70, 26, 14, 34
COLORS = {"op": "#4878a8", "kernel": "#c46a2d", "copy": "#5c9b5c", "wait": "#b8b8b8"}


def kind_of(event):
    return next((kind for kind in ("wait", "copy", "kernel") if kind in event["cat"].split(",")), "op")


def bar(event, row, scale, start):
    x, width = LEFT + (event["ts"] - start) * scale, max(event["dur"] * scale, 0.5)
    y = TOP + row * (TRACK + GAP)
    title = escape(f'{event["name"]}: {event["dur"]:.1f} µs')
    shape = (f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{TRACK}" fill="{COLORS[kind_of(event)]}">'
             f"<title>{title}</title></rect>")
    if width > 7 * len(event["name"]):
        shape += f'<text x="{x + 3:.1f}" y="{y + 17}" fill="#fff">{escape(event["name"])}</text>'
    return shape


def clipped(event, start, end):
    begin = max(event["ts"], start)
    return {**event, "ts": begin, "dur": min(event["ts"] + event["dur"], end) - begin}


def outermost(events):
    """Events that no other one contains, in order of time."""
    result, end = [], float("-inf")
    for event in sorted(events, key=lambda e: (e["ts"], -e["dur"])):
        if event["ts"] >= end:
            result.append(event)
            end = event["ts"] + event["dur"]
    return result


def draw(trace, number):
    events = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    steps = [event for event in events if event["cat"] == "step"]
    if number >= len(steps):
        sys.exit(f"the trace has {len(steps)} steps, numbered from 0")
    device = trace["otherData"].get("device_clock")
    if device is None:
        sys.exit("the trace has no device times")
    start, duration = steps[number]["ts"], steps[number]["dur"]
    inside = [clipped(event, start, start + duration) for event in events
              if event["ts"] < start + duration and event["ts"] + event["dur"] > start]
    scale = (WIDTH - LEFT - 10) / duration
    host = [event for event in inside if event["tid"] == 1]
    rows = [("host", outermost(e for e in host if kind_of(e) == "op")),
            ("waits", outermost(e for e in host if kind_of(e) == "wait")),
            (device.split()[0], [event for event in inside if event["tid"] == 3])]
    height = TOP + len(rows) * (TRACK + GAP) + 22
    svg = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
           'font-family="sans-serif" font-size="12">',
           f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
           f'<text x="{LEFT}" y="20">One step, {duration:.0f} µs; device times: {escape(device)}</text>']
    for row, (name, bars) in enumerate(rows):
        svg.append(f'<text x="6" y="{TOP + row * (TRACK + GAP) + 17}">{escape(name)}</text>')
        svg.append(f'<rect x="{LEFT}" y="{TOP + row * (TRACK + GAP)}" width="{duration * scale:.1f}" '
                   f'height="{TRACK}" fill="#f0f0f0"/>')
        svg += [bar(event, row, scale, start) for event in bars]
    x = LEFT
    for kind, label in (("op", "ops of the host"), ("wait", "host waits"), ("kernel", "kernels"), ("copy", "copies")):
        svg.append(f'<rect x="{x}" y="{height - 18}" width="12" height="12" fill="{COLORS[kind]}"/>'
                   f'<text x="{x + 17}" y="{height - 8}">{label}</text>')
        x += 130
    return "\n".join([*svg, "</svg>"]) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("trace", type=pathlib.Path)
    parser.add_argument("--step", type=int, default=0)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    trace = json.loads(arguments.trace.read_text(encoding="utf-8"))
    arguments.output.write_text(draw(trace, arguments.step), encoding="utf-8")


if __name__ == "__main__":
    main()
