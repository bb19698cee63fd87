"""The table of exit codes in sluis-audit(1), command by command.

Each row is a command line, the code, and a word of what it says. `{name}` is a file or folder of
the fixture; everything that is written goes to a folder of the test's own.
"""
import json
import pathlib
import re
import shutil
import subprocess
import types

import pytest

from cli_node import Node, run
from gateway import AUDIT, ENVIRONMENT, SLUIS

MANUAL = pathlib.Path(__file__).resolve().parents[2] / "docs/man/sluis-audit.1.scd"
NEITHER = 2**64 - 1


@pytest.fixture(scope="module")
def things(tmp_path_factory):
    """A ledger of three receipts, whole and damaged, and all that an auditor may have of it."""
    folder = tmp_path_factory.mktemp("things")
    node = Node(folder / "node")
    for name in ("lotte", "mo", "ann"):
        node.put(name)
    made = types.SimpleNamespace(ledger=node.ledger, key=node.vkey, nowhere=folder / "nowhere",
                                 bad=folder / "bad", folder=folder)
    shutil.copytree(node.ledger, made.bad)
    segment = next(made.bad.glob("*.seg"))
    data = bytearray(segment.read_bytes())
    at = data.index(b'"granted"', data.index(b'"granted"') + 1)
    data[at + 2] ^= 1
    segment.write_bytes(data)
    made.unreadable = folder / "unreadable"  # a folder in the place of a segment
    (made.unreadable / segment.name).mkdir(parents=True)
    for name in ("empty", "junk"):
        file = folder / name
        file.write_text("" if name == "empty" else "nothing of the kind\n")
        setattr(made, name, file)
    made.no_ledger = folder / "no-ledger"
    made.no_ledger.mkdir()

    def keep(name, *arguments):
        file = folder / name
        done = run(*arguments, "-o", file)
        assert done.code == 0, done.err
        return file
    audit = (made.ledger, "--key", made.key)
    made.old = keep("old", AUDIT, "checkpoint", *audit)
    made.proof, made.leaf = folder / "proof", folder / "leaf"
    keep("proof", AUDIT, "prove", "1", *audit, "--leaf", made.leaf)
    made.growth = keep("growth", AUDIT, "consistency", "2", *audit)
    sluis = (SLUIS, "-c", node.config)
    made.mine = keep("mine", *sluis, "subject", "key", "lotte")
    made.evidence = keep("evidence", *sluis, "evidence", "export")
    made.own = keep("own", *sluis, "evidence", "export", "--subject", "lotte")
    made.export = keep("export", AUDIT, "export", *audit, "--format", "ndjson")
    made.table = keep("table", AUDIT, "export", *audit, "--format", "csv")
    made.cut = folder / "cut"
    made.cut.write_bytes(made.evidence.read_bytes()[:-5])
    made.forged = folder / "forged"
    made.forged.write_bytes(made.leaf.read_bytes().replace(b"granted", b"grunted"))
    made.altered = folder / "altered"
    made.altered.write_bytes(made.export.read_bytes().replace(b"granted", b"grunted"))
    return made


K = "--key {key}"
ROWS = [
    # verify
    (f"verify {{ledger}} {K}", 0, "valid"), (f"verify {{bad}} {K}", 1, "INVALID"),
    (f"verify {{nowhere}} {K}", 2, "nowhere"), (f"verify {{no_ledger}} {K}", 2, "no segment"),
    (f"verify {{unreadable}} {K}", 2, "can't be read"), (f"verify {{leaf}} {K}", 2, "folder"),
    ("verify {ledger} --key {junk}", 2, "NAME+HASH+KEY"),
    ("verify {ledger}", 64, "--key"), (f"verify {K}", 64, "DIR"),
    # show
    (f"show 1 {{ledger}} {K}", 0, "receipt"), ("show 1 {ledger}", 0, "not verified"),
    (f"show 1 {{bad}} {K}", 1, "INVALID"), ("show 1 {bad}", 1, "can't be read"),
    (f"show 3 {{ledger}} {K}", 2, "it has 3 receipts, 0 to 2"),
    ("show 3 {ledger}", 2, "it has 3 receipts, 0 to 2"),
    (f"show {NEITHER} {{ledger}} {K}", 2, "no receipt"), (f"show {NEITHER} {{ledger}}", 2, "no receipt"),
    (f"show other.example/1 {{ledger}} {K}", 2, "of another"), ("show 0 {nowhere}", 2, "nowhere"),
    ("show 0 {unreadable}", 2, "cannot read"), ("show x {ledger}", 64, "looks like"),
    # list
    (f"list {{ledger}} {K}", 0, "policy"), ("list {ledger}", 0, "not verified"),
    (f"list {{bad}} {K}", 1, "INVALID"), ("list {bad}", 1, "can't be read"),
    ("list {nowhere}", 2, "nowhere"), ("list {unreadable}", 2, "cannot read"),
    ("list {ledger} --kind x", 64, "--kind"), ("list {ledger} --timeout x", 64, "--timeout"),
    # checkpoint
    (f"checkpoint {{ledger}} {K}", 0, "cli.example"), (f"checkpoint {{bad}} {K}", 1, "INVALID"),
    (f"checkpoint {{nowhere}} {K}", 2, "nowhere"), ("checkpoint {ledger}", 64, "--key"),
    (f"checkpoint {{ledger}} {K} -o {{new}}", 0, ""),
    (f"checkpoint {{ledger}} {K} -o {{key}}", 73, "nothing is overwritten"),
    (f"checkpoint {{ledger}} {K} -o {{nowhere}}/x", 73, "cannot write"),
    (f"checkpoint {{ledger}} {K} -o /dev/full", 73, "nothing is overwritten"),
    # prove
    (f"prove 1 {{ledger}} {K}", 0, "tlog-proof"), (f"prove 1 {{bad}} {K}", 1, "INVALID"),
    (f"prove 3 {{ledger}} {K}", 2, "it has 3 receipts, 0 to 2"),
    (f"prove {NEITHER} {{ledger}} {K}", 2, "no receipt"), (f"prove 1 {{nowhere}} {K}", 2, "nowhere"),
    (f"prove 1 {{ledger}} {K} --checkpoint {{leaf}}", 2, "is not a checkpoint"),
    (f"prove x {{ledger}} {K}", 64, "looks like"), ("prove 1 {ledger}", 64, "--key"),
    (f"prove 1 {{ledger}} {K} --leaf {{key}}", 73, "nothing is overwritten"),
    (f"prove 1 {{ledger}} {K} -o {{new}} --leaf {{new}}", 64, "same file"),
    # verify-proof
    (f"verify-proof {{proof}} --leaf {{leaf}} {K}", 0, "valid"),
    (f"verify-proof {{proof}} --leaf {{forged}} {K}", 1, "INVALID"),
    (f"verify-proof {{old}} --leaf {{leaf}} {K}", 2, "is a checkpoint"),
    (f"verify-proof {{leaf}} --leaf {{leaf}} {K}", 2, "expected the proof of a receipt"),
    (f"verify-proof {{empty}} --leaf {{leaf}} {K}", 2, "empty"),
    (f"verify-proof {{proof}} --leaf {{empty}} {K}", 2, "empty"),
    (f"verify-proof {{folder}} --leaf {{leaf}} {K}", 2, "directory"),
    (f"verify-proof {{proof}} --leaf {{nowhere}} {K}", 2, "nowhere"),
    ("verify-proof {proof} --leaf {leaf} --policy {junk}", 2, "line 1"),
    ("verify-proof {proof} --leaf {leaf}", 64, "--key"), (f"verify-proof {{proof}} {K}", 64, "--leaf"),
    # consistency
    (f"consistency {{old}} {{ledger}} {K}", 0, "valid"), (f"consistency 2 {{ledger}} {K}", 0, "valid"),
    (f"consistency {{old}} {{bad}} {K}", 1, "INVALID"),
    (f"consistency {{old}} --proof {{growth}} {K}", 1, "INVALID"),
    (f"consistency {{nowhere}} {{ledger}} {K}", 2, "nowhere"),
    (f"consistency {{leaf}} {{ledger}} {K}", 2, "expected a checkpoint"),
    (f"consistency {{empty}} {{ledger}} {K}", 2, "empty"),
    (f"consistency 9 {{ledger}} {K}", 2, "has 3 receipts, not 9"),
    (f"consistency {NEITHER} {{ledger}} {K}", 2, f"not {NEITHER}"),
    (f"consistency 0 {{ledger}} {K}", 2, "size 0"),
    (f"consistency {{old}} --proof {{leaf}} {K}", 2, "expected a proof that"),
    (f"consistency {NEITHER + 1} {{ledger}} {K}", 64, "is no size"),
    (f"consistency 007 {{ledger}} {K}", 64, "is no size"),
    (f"consistency 3 2 {{ledger}} {K}", 64, "larger"),
    (f"consistency 2 {{ledger}} {K} -o {{old}}", 73, "nothing is overwritten"),
    # mine
    ("mine {ledger} --key {mine}", 0, "not proven yet"), ("mine {bad} --key {mine}", 1, "INVALID"),
    ("mine {nowhere} --key {mine}", 2, "nowhere"), (f"mine {{ledger}} {K}", 2, "your own key"),
    ("mine {ledger}", 64, "--key"),
    # replay
    (f"replay {{ledger}} {K} --evidence {{evidence}}", 0, "the same"),
    (f"replay {{bad}} {K} --evidence {{evidence}}", 1, "INVALID"),
    (f"replay {{ledger}} {K} --evidence {{junk}}", 2, "line 1"),
    (f"replay {{ledger}} {K} --evidence {{cut}}", 1, "cut off"),
    (f"replay {{ledger}} {K} --evidence {{leaf}}", 2, "expected what `sluis evidence export'"),
    (f"replay {{ledger}} {K} --evidence {{folder}}", 2, "not a file"),
    (f"replay {{ledger}} {K}", 64, "--evidence"),
    # export
    (f"export {{ledger}} {K} --format csv", 0, "index,time"),
    (f"export {{bad}} {K} --format ndjson", 1, "INVALID"),
    (f"export {{ledger}} {K} --format ndjson --evidence {{evidence}} --subject who", 2, '"who"'),
    (f"export {{ledger}} {K} --format ndjson --evidence {{nowhere}}", 2, "nowhere"),
    (f"export {{ledger}} {K} --format csv --for pope", 64, '--for wants subject, partner or auditor; found "pope"'),
    (f"export {{ledger}} {K} --format csv --evidence {{evidence}} --for pope", 64, '"pope"'),
    (f"export {{ledger}} {K} --format csv --for auditor", 64, "without --evidence"),
    (f"export {{ledger}} {K} --format csv -o {{leaf}}", 73, "nothing is overwritten"),
    (f"export {{ledger}} {K} --format kantara --evidence {{own}}", 78, "controller"),
    # verify-export
    (f"verify-export {{export}} {K}", 0, "valid"), (f"verify-export {{altered}} {K}", 1, "INVALID"),
    (f"verify-export {{table}} {K}", 2, "a table carries no evidence"),
    (f"verify-export {{leaf}} {K}", 2, "a receipt without its proof"),
    (f"verify-export {{evidence}} {K}", 2, "is evidence"),
    (f"verify-export {{export}} {K} --body {{leaf}}", 2, "held against one receipt"),
    (f"verify-export {{junk}} {K}", 2, "expected an export"),
    (f"verify-export {{empty}} {K}", 2, "empty"), (f"verify-export {{nowhere}} {K}", 2, "nowhere"),
    (f"verify-export {{export}} {K} --body {{folder}}", 2, "directory"),
    ("verify-export {export}", 64, "--key"),
]
CHECKS = {"verify", "verify-proof", "consistency", "mine", "replay", "verify-export"}


def audit(things, tmp_path, line, *more):
    """Only what is written is new in each test."""
    words = [word.format(**vars(things), new=tmp_path / "new") for word in line.split()]
    return run(AUDIT, *words, *more)


@pytest.mark.parametrize("line, code, says", ROWS, ids=[row[0] for row in ROWS])
def test_the_code_is_that_of_the_table(things, tmp_path, line, code, says):
    before = {file: file.read_bytes() for file in things.folder.iterdir() if file.is_file()}
    done = audit(things, tmp_path, line)
    assert done.code == code and says in done.out + done.err, done.out + done.err
    if code == 1 and line.split()[0] in CHECKS:
        assert re.search("^INVALID: ", done.out, re.MULTILINE), "a verdict is on standard output"
    elif code == 1:
        assert "INVALID" not in done.out, "a list or a file is, and nothing between its lines"
    elif code != 0:
        assert done.err.startswith("sluis-audit: "), done.err
    if code != 0:
        assert done.out == "" or code == 1
    assert before == {file: file.read_bytes() for file in before}, "something was overwritten"


@pytest.mark.parametrize("line, code, says", [row for row in ROWS if row[1] not in (0, 64)],
                         ids=[row[0] for row in ROWS if row[1] not in (0, 64)])
def test_with_json_the_verdict_is_json_on_standard_output(things, tmp_path, line, code, says):
    done = audit(things, tmp_path, line, "--json")
    assert done.code == code
    if line.startswith("list"):  # an object a line, and the verdict is the last one
        found = [json.loads(one) for one in done.out.splitlines()][-1]
    else:
        found = json.loads(done.out)
    if "error" in found:
        assert found["error"]["exit"] == code and found["error"]["text"]
    else:
        assert found["result"] == {1: "invalid", 2: "unchecked"}[code]
        assert found.get("problem") or found["problems"]


def test_what_can_not_be_written_is_74(things):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([AUDIT, "verify", things.ledger, "--key", things.key], stdout=full,
                              stderr=subprocess.PIPE, env=ENVIRONMENT, check=False)
    assert done.returncode == 74 and b"cannot write" in done.stderr


def test_the_manual_lists_the_codes_that_occur_and_no_other():
    table = MANUAL.read_text(encoding="utf-8").split("# EXIT STATUS")[1].split("# ")[0]
    listed = {int(code) for code in re.findall(r"^[\[|]- \*(\d+)\*$", table, re.MULTILINE)}
    fault = 70  # of the program itself: none is known
    assert listed == {code for _, code, _ in ROWS} | {74, fault}
    assert {line.split()[0] for line, _, _ in ROWS} | {"witness"} == commands_of_help()


def commands_of_help():
    text = run(AUDIT, "--help").out.split("\n\n")[1]
    return {line.split()[0] for line in text.splitlines() if re.match(r"  [a-z]", line)}
