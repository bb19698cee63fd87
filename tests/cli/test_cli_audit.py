"""sluis-audit: verify, show and list, with and without a key."""
import json
import re
import shutil
import subprocess

import pytest

from cli_node import run_on_terminal
from gateway import AUDIT, BUILD, ENVIRONMENT

pytestmark = pytest.mark.usefixtures("busy")


@pytest.fixture
def copy(auditor, tmp_path):
    """A copy to be damaged."""
    return shutil.copytree(auditor.ledger, tmp_path / "ledger")


def segment(folder):
    return sorted(folder.glob("*.seg"))[0]


def flip(file, at):
    data = bytearray(file.read_bytes())
    data[at] ^= 1
    file.write_bytes(data)


def test_it_links_no_server_and_no_store():
    """LMDB is there to look into an index, and libcurl to read a ledger that is served."""
    needed = subprocess.run(["readelf", "-d", AUDIT], capture_output=True, text=True,
                            check=True).stdout
    needed = re.findall(r"NEEDED.*\[lib(.*?)\.so", needed)
    for library in ("microhttpd", "gnutls", "ssl"):
        assert library not in needed, needed
    names = subprocess.run(["nm", AUDIT], capture_output=True, text=True, check=True).stdout
    for symbol in ("MHD_", "recorder_open", "segment_writer_", "note_sign", "edge_", "store_open"):
        assert not re.search(rf"\b{symbol}", names), symbol


def test_verify_a_valid_ledger(auditor):
    done = auditor.run("verify", auditor.ledger, "--key", auditor.vkey)
    assert done.code == 0 and done.err == "" and done.out.startswith("valid\n")
    assert re.search(r"receipts +6\n", done.out) and "cli.example/gateway" in done.out
    found = json.loads(auditor.run("verify", auditor.ledger, "-k", auditor.vkey, "--json").out)
    assert (found["result"], found["receipts"], found["origin"]) == ("valid", 6, "cli.example/gateway")


def test_many_threads_find_the_same(auditor, copy):
    verify = ("--key", auditor.vkey, "--json")
    alone = auditor.run("verify", auditor.ledger, *verify)
    for jobs in ("1", "2", "64"):
        done = auditor.run("verify", auditor.ledger, *verify, "--jobs", jobs)
        assert (done.code, done.out, done.err) == (0, alone.out, "")
    flip(segment(copy), segment(copy).read_bytes().index(b'"decision"'))
    alone = auditor.run("verify", copy, *verify)
    done = auditor.run("verify", copy, *verify, "--jobs", "3")
    assert (done.code, done.out, done.err) == (1, alone.out, alone.err)


def test_a_tag_under_two_receipts_is_named_with_both(auditor, tmp_path):
    subprocess.run([BUILD / "tests/unit/ledger/make_ledger", tmp_path, "one-key"], check=True,
                   capture_output=True)
    verify = ("verify", tmp_path / "copy", "--key", tmp_path / "vkey")
    done = auditor.run(*verify)
    assert done.code == 1
    assert done.out == "INVALID: receipt 1 has the tag of receipt 0: a tag is used once\n"
    assert re.search(r"same tag +receipt 0, which stands before it", done.err)
    assert "the gateway signed both" in done.err and "changed" not in done.err
    found = json.loads(auditor.run(*verify, "--json").out)
    assert (found["result"], found["receipt"], found["same_tag_as"]) == ("invalid", 1, 0)
    # Tags are what verify looks at; the receipts themselves are in the ledger.
    assert auditor.run("show", "1", tmp_path / "copy", "--key", tmp_path / "vkey").code == 0


@pytest.mark.parametrize("memory", ["0", "1048577", "many"])
def test_memory_is_a_number_of_mib(auditor, memory):
    done = auditor.run("verify", auditor.ledger, "--key", auditor.vkey, "--memory", memory)
    assert done.code == 64 and "--memory wants" in done.err
    assert auditor.run("verify", auditor.ledger, "--key", auditor.vkey, "--memory", "1").code == 0


@pytest.mark.parametrize("jobs", ["0", "65", "-1", "two", ""])
def test_jobs_are_from_1_to_64(auditor, jobs):
    done = auditor.run("verify", auditor.ledger, "--key", auditor.vkey, "--jobs", jobs)
    assert done.code == 64 and "--jobs wants" in done.err


def test_the_folder_may_be_the_ledgers_the_states_or_the_nodes(auditor):
    for folder in (auditor.ledger, auditor.node.state, auditor.node.folder):
        assert auditor.run("verify", folder, "--key", auditor.vkey).code == 0


def test_verify_names_place_meaning_and_what_to_do(auditor, copy):
    data = segment(copy).read_bytes()
    at = data.index(b'"reason":"consented"') + 12
    flip(segment(copy), at)
    done = auditor.run("verify", copy, "--key", auditor.vkey)
    assert done.code == 1 and done.out.startswith("INVALID: ") and done.out.count("\n") == 1
    assert segment(copy).name in done.err
    assert re.search(r"receipt +1 is the first that can't be trusted; the 1 before it holds", done.err)
    for word in ("batch", "byte", "meaning", "to do"):
        assert word in done.err
    done = auditor.run("verify", copy, "--key", auditor.vkey, "--json")
    found = json.loads(done.out)
    assert done.code == 1 and found["result"] == "invalid" and found["receipt"] == 1
    assert found["segment"] == segment(copy).name and found["receipts"] == 1


def test_a_segment_of_another_length_is_the_subject_of_what_is_said(auditor, copy):
    n_bytes = segment(copy).stat().st_size
    for n, says in ((100, "INVALID: the segment is cut off: it has 100 bytes, and one has at least "
                          "4096\n"),
                    (8192, f"INVALID: the segment has 8192 bytes, its head says {n_bytes}: ")):
        with open(segment(copy), "r+b") as file:
            file.truncate(n)
            file.seek(0)
            if n > 100:
                file.write(segment(auditor.ledger).read_bytes()[:n])
        done = auditor.run("verify", copy, "--key", auditor.vkey)
        assert done.code == 1 and done.out.startswith(says)
        assert segment(copy).name in done.err


def test_what_could_not_be_checked_is_2(auditor, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    odd = tmp_path / "odd.vkey"
    for text in (b"", b"\n", b"nonsense\n", b"a+b+c\nd\n", b"x" * 4096, b"\0\n"):
        odd.write_bytes(text)
        done = auditor.run("verify", auditor.ledger, "--key", odd)
        assert done.code == 2 and done.err, text
    for folder in (tmp_path / "nowhere", auditor.vkey):
        assert auditor.run("verify", folder, "--key", auditor.vkey).code == 2
    assert auditor.run("verify", auditor.ledger, "--key", tmp_path / "nowhere").code == 2
    assert auditor.run("verify", empty, "--key", auditor.vkey).code != 0


def test_list_has_a_line_for_each_receipt_and_says_that_it_did_not_verify(auditor):
    done = auditor.run("list", auditor.ledger)
    lines = done.out.splitlines()
    assert done.code == 0 and len(lines) == 6
    assert "granted 1" in lines[0] and "release" in lines[1] and "no_consent" in lines[4]
    assert "location 5000m 900s" in lines[1]
    assert "not verified" in done.err
    done = auditor.run("list", auditor.ledger, "--key", auditor.vkey)
    assert done.code == 0 and done.out.splitlines() == lines and done.err == ""


def test_list_json_is_the_receipt_with_its_index(auditor):
    done = auditor.run("list", auditor.ledger, "--json")
    receipts = [json.loads(line) for line in done.out.splitlines()]
    assert [one["index"] for one in receipts] == list(range(6))
    assert list(receipts[1])[:3] == ["index", "sluis", "tag"]
    assert receipts[1]["data"]["location"] == "5000m 900s"


@pytest.mark.parametrize("filters, indices", [
    (["--kind", "policy"], [0, 5]), (["--kind", "pull"], [1, 2, 3, 4]),
    (["--decision", "release"], [1, 2, 3]), (["--decision", "refuse"], [4]),
    (["--partner", "soundmap", "--decision", "refuse"], [4]), (["--partner", "nobody"], []),
    (["--route", "position"], [1, 2, 3, 4]), (["--route", "trace"], []),
    (["--limit", "2"], [0, 1]), (["--limit", "0"], []), (["--kind", "pull", "--limit", "1"], [1]),
    (["--since", "2020-01-01"], list(range(6))), (["--until", "2020-01-01"], []),
    (["--since", "9999-12-31T00:00:00Z"], []),
])
@pytest.mark.parametrize("key", [False, True], ids=["read", "verified"])
def test_list_filters(auditor, filters, indices, key):
    more = ["--key", auditor.vkey] if key else []
    done = auditor.run("list", auditor.ledger, "--json", *filters, *more)
    assert done.code == 0
    assert [json.loads(line)["index"] for line in done.out.splitlines()] == indices


def test_a_date_means_the_whole_day(auditor):
    day = json.loads(auditor.run("list", auditor.ledger, "--json", "--limit", "1").out)["time"][:10]
    done = auditor.run("list", auditor.ledger, "--json", "--since", day, "--until", day)
    assert done.out.splitlines()


def test_show_explains_a_release(auditor):
    done = auditor.run("show", "1", auditor.ledger, "--key", auditor.vkey)
    assert done.code == 0 and done.err == ""
    for words in ("receipt cli.example/gateway/1\n", "verified   yes", "soundmap", "position",
                  "release", "consented", "5000m 900s", "Playlists that fit the drive"):
        assert words in done.out, words
    raw = done.out.splitlines()[-1]
    assert json.loads(raw)["sluis"] == 1


def test_show_without_a_key_says_so(auditor):
    done = auditor.run("show", "cli.example/gateway/4", auditor.ledger)
    assert done.code == 0 and "verified   no" in done.out and "not verified" in done.err
    found = json.loads(auditor.run("show", "4", auditor.ledger, "--json").out)
    assert (found["index"], found["verified"], found["reason"]) == (4, False, "no_consent")


def test_show_of_what_is_not_there(auditor):
    for key in ([], ["--key", auditor.vkey]):
        done = auditor.run("show", "6", auditor.ledger, *key)
        assert done.code == 2 and "no receipt 6; it has 6 receipts, 0 to 5" in done.err
        done = auditor.run("show", "other.example/1/2", auditor.ledger, *key)
        assert done.code == 2 and "cli.example/gateway" in done.err


def test_show_a_receipt_before_the_damage_and_one_after_it(auditor, copy):
    data = segment(copy).read_bytes()
    flip(segment(copy), data.index(b'"no_consent"') + 3)
    assert auditor.run("show", "1", copy, "--key", auditor.vkey).code == 0
    for key in ([], ["--key", auditor.vkey]):
        done = auditor.run("show", "5", copy, *key)
        assert done.code in (1, 2) and done.out == ""
    done = auditor.run("list", copy, "--key", auditor.vkey)
    assert done.code == 1 and len(done.out.splitlines()) == 4 and "INVALID" in done.err


def test_hostile_receipts_are_not_echoed_raw(auditor, copy):
    """Without a key the checksums would still have to be right, so this is not even read."""
    data = segment(copy).read_bytes()
    file = segment(copy)
    file.write_bytes(data.replace(b"soundmap", b"\x1b[31msnd"))
    for command in (["list", copy], ["show", "1", copy], ["verify", copy, "--key", auditor.vkey]):
        done = auditor.run(*command)
        assert "\x1b" not in done.out + done.err


def test_progress_is_for_terminals_only(auditor):
    shown = run_on_terminal(AUDIT, "verify", auditor.ledger, "--key", auditor.vkey)
    assert shown.code == 0 and "checking [" in shown.out
    assert "checking" not in auditor.run("verify", auditor.ledger, "--key", auditor.vkey).err


def test_an_empty_ledger_has_nothing_to_list(node, tmp_path):
    done = subprocess.run([AUDIT, "list", tmp_path], env=ENVIRONMENT, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 2 and "no segment" in done.stderr
