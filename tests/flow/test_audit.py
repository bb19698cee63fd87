"""The auditor trusts nobody: a ledger folder and a public key are all it needs."""
import json
import random
import shutil

import pytest

from gateway import AUDIT, Failed, LISTENING, SLUIS, consent, run


@pytest.fixture(scope="module")
def audited(world):
    """Some flows of all kinds; then the ledger is only read."""
    yes, no = world.person(consent(), consent("c2", partner_="recommender")), world.person()
    for _ in range(3):
        world.ask(yes)
        world.ask(no)
        world.ask(yes, "recommender", purpose="recommendation")
        world.ask(no, "recommender", purpose="marketing")
    world.gateway.withdraw(yes, "c2")
    return world


def test_a_sound_ledger_is_valid(audited):
    said = audited.gateway.verify().stdout
    assert str(len(audited.gateway.receipts())) in said


def test_an_empty_ledger_is_valid(fresh):
    fresh.gateway.start()
    fresh.gateway.stop()
    fresh.gateway.verify()


def test_what_cannot_be_checked_is_told_apart_from_what_is_wrong(audited, tmp_path):
    audited.gateway.verify(ledger=tmp_path / "nowhere", ok=(2,))
    audited.gateway.verify(vkey=tmp_path / "nowhere.vkey", ok=(2,))
    (tmp_path / "odd.vkey").write_text("not a key\n")
    audited.gateway.verify(vkey=tmp_path / "odd.vkey", ok=(2,))


def test_another_nodes_key_does_not_verify(audited, tmp_path):
    run(SLUIS, "init", tmp_path / "other", "--origin", "test.example/gateway")
    audited.gateway.verify(vkey=tmp_path / "other/state/keys/ledger.vkey", ok=(1,))


@pytest.mark.parametrize("seed", range(12))
def test_any_changed_byte_is_found_and_named(audited, tmp_path, seed):
    rng = random.Random(seed)
    shutil.copytree(audited.gateway.ledger, tmp_path / "copy")
    files = [file for file in (tmp_path / "copy").rglob("*") if file.is_file()]
    file = rng.choice([one for one in files if one.read_bytes().strip(b"\0")])
    data = bytearray(file.read_bytes())
    end = len(bytes(data).rstrip(b"\0"))
    offset = rng.randrange(end)
    data[offset] ^= 1 << rng.randrange(8)
    file.write_bytes(data)
    done = audited.gateway.verify(ledger=tmp_path / "copy", ok=(1,))
    said = done.stdout + done.stderr
    assert file.name in said, f"seed {seed}: byte {offset}: {said}"


def test_two_receipts_that_change_places_are_found(audited, tmp_path):
    shutil.copytree(audited.gateway.ledger, tmp_path / "copy")
    for file in (tmp_path / "copy").rglob("*"):
        data = file.read_bytes() if file.is_file() else b""
        if data.count(b'"decision":"release"') and data.count(b'"decision":"refuse"'):
            data = data.replace(b'"decision":"release"', b'"decision":"refuse"\x20', 1)
            file.write_bytes(data)
            break
    audited.gateway.verify(ledger=tmp_path / "copy", ok=(1,))


def test_list_filters(audited):
    everything = audited.gateway.receipts()
    flows = [one for one in everything if one["kind"] == "pull"]
    assert len(flows) < len(everything)
    for key, value in (("partner", "spotify"), ("decision", "refuse"), ("route", "position")):
        kept = audited.gateway.receipts(f"--{key}", value)
        assert kept == [one for one in flows if one[key] == value], key
    both = audited.gateway.receipts("--partner", "recommender", "--decision", "release")
    assert both == [one for one in flows
                    if one["partner"] == "recommender" and one["decision"] == "release"]
    assert audited.gateway.receipts("--partner", "nobody") == []


def test_list_by_time(audited):
    everything = audited.gateway.receipts()
    middle = everything[len(everything) // 2]["time"]
    late = audited.gateway.receipts("--since", middle)
    early = audited.gateway.receipts("--until", middle)
    assert late and all(one["time"] >= middle for one in late)
    assert early and all(one["time"] <= middle for one in early)
    assert {one["index"] for one in late + early} == {one["index"] for one in everything}


def test_show_prints_what_the_ledger_holds(audited):
    index = audited.gateway.receipts()[-1]["index"]
    plain = run(AUDIT, "show", index, audited.gateway.ledger).stdout
    assert "policy" in plain
    assert audited.gateway.receipt(index)["kind"] == "policy"


def test_show_of_a_receipt_that_is_not_there_says_so(audited):
    with pytest.raises(Failed) as failed:
        run(AUDIT, "show", 10**9, audited.gateway.ledger)
    assert "1000000000" in failed.value.stderr


def test_the_ledger_can_be_read_while_the_gateway_writes(audited):
    name = audited.person(consent())
    partner = audited.partner()
    with partner.connect() as connection:
        for _ in range(5):
            connection.send(partner.request(partner.path("/v1/drivers/{subject}/position", name)) * 20)
            audited.gateway.verify()
            for _ in range(20):
                assert connection.read_answer().status == 200


def test_receipts_are_numbered_without_a_gap(audited):
    indices = [one["index"] for one in audited.gateway.receipts()]
    assert indices == list(range(len(indices)))


def test_no_two_receipts_can_be_linked_by_their_tags(audited):
    tags = [one["tag"] for one in audited.gateway.receipts()]
    assert len(set(tags)) == len(tags)
