#!/usr/bin/python3
"""exchange.py - plays an exchange on a terminal, and writes docs/exchanges.md from all of them

  exchange.py                    lists the exchanges
  exchange.py NAME               plays one: what was asked, what the app knew, what the partner got
  exchange.py PATH/TO/FOLDER     plays one that is not in policies/exchanges
  exchange.py --page FILE        plays all, and writes the page about them
"""
import argparse
import contextlib
import io
import json
import os
import pathlib
import re
import shutil
import sys
import tempfile
import textwrap

import compare
from stage import Stage, Unexpected, folder_of, names, perform

COLOURS = {"bold": "1", "released": "32", "reduced": "33", "refused": "31"}
PAGE_HEAD = """# The exchanges

Who gives what to whom, why, and for what in return: exchanges as they happen between products that
people use, each of them a folder of plain files in `policies/exchanges`. This page is written from
them by `tools/demo/exchange.py --page docs/exchanges.md`, with what really came out.

Play any of them with `tools/dev/demo.sh --exchange NAME`. [How to write another
one](new-exchange.md).

| exchange | app → partner | kind | purpose | in return |
|---|---|---|---|---|
"""


def paint(text, what):
    if os.environ.get("NO_COLOR") or not sys.stdout.isatty():
        return text
    return f"\x1b[{COLOURS[what]}m{text}\x1b[0m"


def show(outcome, folder):
    if outcome.verdict == "refused":
        print("  " + json.dumps(outcome.answer, ensure_ascii=False))
    elif len(outcome.receipts) > 1:
        print("  " + json.dumps(outcome.named, ensure_ascii=False))
        print(f"  in return: {outcome.receipt['benefit']}")
    else:
        raw, released = folder / "raw.json", folder / "released.json"
        raw.write_text(json.dumps(outcome.raw, ensure_ascii=False), encoding="utf-8")
        released.write_text(json.dumps(outcome.answer, ensure_ascii=False), encoding="utf-8")
        compare.show(raw, released, "the app knows", "the partner gets")
        print(f"  in return: {outcome.receipt['benefit']}")
    verdict = paint(outcome.verdict, outcome.verdict)
    print(f"  {verdict} ({outcome.receipt['reason']}), receipt {outcome.places}")


def play(name, node=None):
    """
    Plays it, telling what happens; with `node`, what it leaves is kept there. Returns the stage
    after it was taken down.
    """
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="sluis-exchange-"))
    stage = Stage(folder_of(name), node or scratch / "node")

    def report(step, outcome):
        print(f"\n{paint(step['does'], 'bold')}")
        if outcome:
            show(outcome, scratch)

    print(paint(stage.play["title"]["en"], "bold"))
    print(textwrap.fill(stage.play["story"], 100))
    try:
        stage.start()
        stage.verdicts = perform(stage, report)
    finally:
        stage.stop()
        shutil.rmtree(scratch)
    print(f"\nAll of it is in the ledger, which verifies: {stage.ledger}" if node
          else "\nAll of it was in the ledger, which verified.")
    return stage


def row(name):
    """The exchange's line in the table of the page."""
    stage = Stage(folder_of(name), None)
    apps = ", ".join(app["label"] for app in stage.setup["apps"])
    partner = stage.setup["partners"][0]
    contract = partner["contract"]
    return (f"| [`{name}`](#{name}) {stage.play['title']['en']} | {apps} → {partner['label']} "
            f"| {stage.play['kind']} | {', '.join(contract['purposes'])} "
            f"| {', '.join(contract['benefits'])} |\n")


def section(name):
    """
    What came out, and the stage. Pseudonyms differ from node to node, and are left out of the text.
    """
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        stage = play(name)
    text = told.getvalue()
    for pseudonym in stage.pseudonyms:
        shown = compare.fit(pseudonym, compare.RELEASED_WIDTH)
        text = text.replace(shown, "(a pseudonym)".ljust(len(shown)))
    text = re.sub(r" +$", "", text, flags=re.MULTILINE)
    return f"\n## {name}\n\n```\n$ tools/dev/demo.sh --exchange {name}\n{text}```\n", stage


def table():
    return PAGE_HEAD + "".join(map(row, names()))


def page():
    return table() + "".join(section(name)[0] for name in names())


def main():
    parser = argparse.ArgumentParser(
        description="Plays an exchange of policies/exchanges through a real gateway. The programs "
                    "sluis, sluisd and sluis-audit must be on the PATH.")
    parser.add_argument("exchange", nargs="?",
                        help="its name, or the path of its folder; without one, they are listed")
    parser.add_argument("--folder", type=pathlib.Path, help="keep the node here (must not exist)")
    parser.add_argument("--page", type=pathlib.Path, help="play all, and write the page about them")
    given = parser.parse_args()
    try:
        if given.page:
            given.page.write_text(page(), encoding="utf-8")
        elif not given.exchange:
            for name in names():
                print(f"{name:20}{Stage(folder_of(name), None).play['title']['en']}")
        elif folder_of(given.exchange):
            play(given.exchange, given.folder)
        else:
            print(f'exchange.py: no exchange "{given.exchange}"; there are: {", ".join(names())}; '
                  "or the path of a folder, with a slash", file=sys.stderr)
            return 64
    except Unexpected as problem:
        print(f"exchange.py: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
