"""Someone is forgotten: at once for partners, for good on the disk, and no proof breaks.

"""
import json
import threading

import pytest

import answers
from gateway import AUDIT, Failed, POSITION, consent, run
from traces import MARK, found_in_files, policy, traces
from world import feature

def erase(gateway, *names, **more):
    return json.loads(gateway.sluis("subject", "erase", "--yes", "--json", *names, **more).stdout)


def make_person(world, name):
    """With three versions, two accounts and a few receipts of each kind."""
    gateway = world.gateway
    for i in range(3):
        gateway.put(name, policy(f"{MARK}-{name}", f"version {i}"))
    gateway.sluis("subject", "account", name, "waze", f"{name}-at-waze")
    gateway.sluis("subject", "account", name, "spotify", f"{name}-at-spotify")
    world.waze.on(f"/v1/drivers/{name}-at-waze/position",
                  answers.well(feature(f"{name}-at-waze")))
    assert world.ask(name).status == 200
    assert world.ask(name, "recommender").status == 403
    return traces(gateway, name, f"{name}-at-waze", f"{name}-at-spotify")


@pytest.mark.parametrize("running", [True, False], ids=["beside sluisd", "without sluisd"])
def test_no_file_knows_anything_of_an_erased_person(fresh, running):
    gateway = fresh.gateway
    gateway.start()
    gone = make_person(fresh, "lotte.van.dam")
    stays = make_person(fresh, "sanne.visser")
    kek = (gateway.state / "keys/kek.key").read_bytes()
    if not running:
        gateway.stop()
    hidden = {"key", "key as text", "id as text"} | {what for what in gone if "pseudonym" in what}
    before = found_in_files(gateway, gone)
    assert all(before[what] for what in gone.keys() - hidden), before  # or the test sees nothing
    assert not any(before[what] for what in hidden)
    assert found_in_files(gateway, {"kek": kek})["kek"] == ["keys/kek.key"]

    answer = erase(gateway, "lotte.van.dam")
    assert answer["wiped"] is True
    assert [one["subject"] for one in answer["erased"]] == ["lotte.van.dam"]
    after = found_in_files(gateway, gone | {"kek": kek})
    assert not any(after.values()), after
    assert found_in_files(gateway, stays)["name"]
    assert not found_in_files(gateway, stays)["wrapped"]  # under the new key
    if running:
        gateway.stop()
        assert not any(found_in_files(gateway, gone | {"kek": kek}).values())
    gateway.start()
    assert not any(found_in_files(gateway, gone | {"kek": kek}).values())
    assert fresh.ask("sanne.visser").status == 200
    assert "lotte" not in gateway.text()


def same_but_receipt(a, b):
    """Two answers, byte by byte, but for which receipt and when."""
    def plain(answer):
        head = [field for field in answer.fields
                if field[0] not in ("date", "sluis-receipt", "content-length")]
        body = answer.body.replace(f"/{answer.receipt}\"".encode(), b"/N\"")
        return answer.status, head, body
    assert plain(a) == plain(b)


def test_a_partner_can_not_tell_the_erased_from_the_unknown(fresh):
    fresh.gateway.start()
    make_person(fresh, "lotte")
    fresh.gateway.pseudonym("spotify", "lotte")
    stranger = fresh.partner()
    unknown = stranger.get(POSITION.replace("{subject}", "A" * 43))
    erase(fresh.gateway, "lotte")
    erased = fresh.ask("lotte")
    assert erased.status == 403 and erased.reason == "no_consent"
    same_but_receipt(erased, unknown)


def test_a_release_under_way_is_refused_as_of_a_stranger(fresh):
    """The app answers only after the erasure."""
    gateway = fresh.gateway
    gateway.limits |= {"app_head_ms": 20000, "flow_ms": 30000}
    gateway.write_config()
    gateway.start()
    asked, erased = threading.Event(), threading.Event()
    name = fresh.person(consent())

    def answer_late(exchange):
        asked.set()
        erased.wait(30)
        return answers.well(feature(name))(exchange)
    fresh.waze.on(f"/v1/drivers/{name}/position", answer_late)
    partner = fresh.partner()
    with partner.connect() as connection:
        connection.send(partner.request(partner.path(POSITION, name)))
        assert asked.wait(30)
        erase(gateway, name)
        erased.set()
        answer = connection.read_answer()
    assert b"52.378796" not in answer.body
    same_but_receipt(answer, partner.get(POSITION.replace("{subject}", "A" * 43)))


def test_earlier_proofs_and_checkpoints_still_verify(fresh, tmp_path):
    gateway = fresh.gateway
    gateway.start()
    make_person(fresh, "lotte")
    make_person(fresh, "sanne")
    n_before = len(gateway.receipts())
    key = ("--key", gateway.vkey)
    old = tmp_path / "old.checkpoint"
    run(AUDIT, "checkpoint", gateway.ledger, *key, "-o", old)
    proofs = [(tmp_path / f"{i}.tlog-proof", tmp_path / f"{i}.leaf") for i in range(n_before)]
    for index, (proof, leaf) in enumerate(proofs):
        run(AUDIT, "prove", index, gateway.ledger, *key, "-o", proof, "--leaf", leaf)

    receipt = erase(gateway, "lotte")["erased"][0]["receipt"]
    assert receipt == n_before
    assert gateway.receipt(receipt)["kind"] == "erasure"
    gateway.verify()
    run(AUDIT, "consistency", old, gateway.ledger, *key)
    for proof, leaf in proofs:
        run(AUDIT, "verify-proof", proof, "--leaf", leaf, *key)


def test_the_name_is_free_for_somebody_else_who_shares_nothing(fresh):
    gateway = fresh.gateway
    gateway.start()
    before = make_person(fresh, "lotte")
    old_path = fresh.partner().path(POSITION, "lotte")
    erase(gateway, "lotte")
    gateway._pseudonyms.clear()
    after = make_person(fresh, "lotte")
    for what in ("id", "key", "wrapped", "pseudonym at spotify", "pseudonym at recommender"):
        assert before[what] != after[what]
    assert fresh.ask("lotte").status == 200
    assert fresh.partner().get(old_path).reason == "no_consent"


def test_several_are_erased_with_one_rewrite(fresh):
    gateway = fresh.gateway
    gateway.start()
    names = [f"someone-{i}" for i in range(5)]
    wanted = {name: make_person(fresh, name) for name in names}
    answer = erase(gateway, *names[:4])
    assert [one["subject"] for one in answer["erased"]] == names[:4]
    assert [gateway.receipt(one["receipt"])["kind"] for one in answer["erased"]] == ["erasure"] * 4
    for name in names[:4]:
        assert not any(found_in_files(gateway, wanted[name]).values())
    assert fresh.ask(names[4]).status == 200
    gateway.stop()
    assert gateway.text().count("the store was written anew") == 1


def test_nobody_is_erased_when_one_name_is_wrong(fresh):
    gateway = fresh.gateway
    gateway.start()
    name = fresh.person(consent())
    n_before = len(gateway.receipts())
    with pytest.raises(Failed) as failed:
        erase(gateway, name, "nobody.at.all")
    assert failed.value.status == 66 and "nobody.at.all" in failed.value.stderr
    assert fresh.ask(name).status == 200
    assert len(gateway.receipts()) == n_before + 1


def test_flows_and_withdrawals_go_on_while_the_store_is_written_anew(fresh):
    """Many rewrites under load: nobody gets an answer that is wrong, late or unrecorded."""
    gateway = fresh.gateway
    gateway.start()
    stays = fresh.person(consent())
    others = [fresh.person(consent()) for _ in range(12)]
    assert all(gateway.pseudonym("spotify", name) for name in [stays, *others])
    stop, statuses = threading.Event(), []

    def ask_on():
        while not stop.is_set():
            statuses.append(fresh.ask(stays).status)
    askers = [threading.Thread(target=ask_on) for _ in range(3)]
    for asker in askers:
        asker.start()
    try:
        for i, name in enumerate(others):
            erase(gateway, name)
            gateway.put(stays, consent(data="location: {precision: %dkm}" % (i + 1)))
            assert fresh.ask(name).reason == "no_consent"
    finally:
        stop.set()
        for asker in askers:
            asker.join()
    assert set(statuses) <= {200, 403} and statuses.count(200) > 10
    gateway.verify()
    gateway.restart()
    assert fresh.ask(stays).status == 200
