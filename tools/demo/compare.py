#!/usr/bin/python3
"""compare.py - shows what an app answered next to what the partner got of it

  compare.py RAW RELEASED [--raw-title T] [--released-title T]

Both are JSON files. The raw answer is walked top to bottom; beside each value stands what became of
it. Of a list of objects only the first is shown. Control characters never reach the terminal.
"""
import argparse
import json
import os
import pathlib
import sys

NAME_WIDTH, VALUE_WIDTH, RELEASED_WIDTH = 30, 27, 24
GONE = object()
COLOURS = {"kept": "32", "coarser": "33", "replaced": "36", "dropped": "31", "dim": "2"}


def paint(text, how):
    if os.environ.get("NO_COLOR") or not sys.stdout.isatty():
        return text
    return f"\x1b[{COLOURS[how]}m{text}\x1b[0m"


def printable(value):
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "".join(char if char.isprintable() else "?" for char in text)


def fit(text, width):
    return text if len(text) <= width else text[:width - 1] + "…"


def looks_like_pseudonym(value):
    return isinstance(value, str) and len(value) == 43 and " " not in value


def verdict(raw, released):
    if raw == released:
        return "kept"
    return "replaced" if looks_like_pseudonym(released) else "coarser"


def child(container, key):
    if isinstance(container, dict):
        return container.get(key, GONE)
    if isinstance(container, list) and isinstance(key, int) and key < len(container):
        return container[key]
    return GONE


def line(indent, name, raw="", released="", how=None):
    left = fit("  " * indent + name, NAME_WIDTH).ljust(NAME_WIDTH)
    middle = fit(raw, VALUE_WIDTH).ljust(VALUE_WIDTH)
    right = fit(released, RELEASED_WIDTH)
    note = {"coarser": "made coarser", "replaced": "pseudonym"}.get(how)
    if how is None:
        print(f"  {left}".rstrip())
    elif how == "dropped":
        print(f"  {paint(left + middle, 'dim')}  {paint('-', 'dropped')}")
    elif note:
        print(f"  {left}{middle}  {paint(right.ljust(RELEASED_WIDTH), how)} {note}")
    else:
        print(f"  {left}{middle}  {paint(right, how)}")


def dropped(indent, fields):
    """Fields beside each other of which nothing passed: a line each, or one for many."""
    if len(fields) <= 6:
        for name, raw in fields:
            line(indent, name, printable(raw), "", "dropped")
        return
    names = ", ".join(name for name, _ in fields)
    room = NAME_WIDTH + VALUE_WIDTH - 2 * indent - 12
    text = ("  " * indent + f"{fit(names, room)} ({len(fields)})").ljust(NAME_WIDTH + VALUE_WIDTH)
    print(f"  {paint(text, 'dim')}  {paint('-', 'dropped')}")


def items_of(raw):
    if isinstance(raw, dict):
        return list(raw.items()), 0
    if all(not isinstance(item, (dict, list)) for item in raw):
        return [(i, item) for i, item in enumerate(raw)], 0
    return [(0, raw[0])], len(raw) - 1


def walk(raw, released, name, indent):
    if not isinstance(raw, (dict, list)) or not raw:
        line(indent, name, printable(raw), printable(released), verdict(raw, released))
        return
    line(indent, name)
    walk_items(raw, released, indent + 1)


def walk_items(raw, released, indent):
    items, n_more = items_of(raw)
    gone = []
    for key, value in items:
        label = key if isinstance(key, str) else f"[{key}]"
        what = child(released, key)
        if what is GONE:
            gone.append((label, value))
            continue
        dropped(indent, gone)
        gone = []
        walk(value, what, label, indent)
    dropped(indent, gone)
    if n_more:
        print(f"  {'  ' * indent}… and {n_more} more like it")


def show(raw_file, released_file, raw_title, released_title):
    raw = json.loads(raw_file.read_bytes())
    released = json.loads(released_file.read_bytes())
    left, right = raw_file.stat().st_size, released_file.stat().st_size
    print(f"  {'':{NAME_WIDTH}}{fit(raw_title, VALUE_WIDTH):{VALUE_WIDTH}}  {released_title}")
    print(f"  {'':{NAME_WIDTH}}{f'({left:,} bytes)':{VALUE_WIDTH}}  ({right:,} bytes)")
    walk_items(raw, released, 0)


def main():
    parser = argparse.ArgumentParser(description="Shows two JSON documents side by side.")
    parser.add_argument("raw", type=pathlib.Path)
    parser.add_argument("released", type=pathlib.Path)
    parser.add_argument("--raw-title", default="the app knows")
    parser.add_argument("--released-title", default="the partner gets")
    given = parser.parse_args()
    show(given.raw, given.released, given.raw_title, given.released_title)


if __name__ == "__main__":
    main()
