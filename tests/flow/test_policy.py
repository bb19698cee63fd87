"""Policies through `sluis policy`: put while flows run, explained as the gateway decides."""
import re

import pytest

from gateway import Failed, POSITION, consent, policy_text, run, SLUIS


def explain(world, name, *more, partner="spotify", route="position", purpose="recommendation"):
    done = world.gateway.sluis("policy", "explain", name, "--partner", partner, "--route", route,
                               "--purpose", purpose, *more)
    return done.stdout


def reason_of(text):
    """The reason code that explain names first."""
    found = re.search(r"\b(consented|no_consent|not_yet|expired|outside_hours|situation|quota|refused"
                      r"|not_covered|purpose)\b", text)
    assert found, text
    return found[1]


def test_a_policy_holds_for_the_next_request(world):
    name = world.person()
    assert world.ask(name).reason == "no_consent"
    world.gateway.put(name, consent())
    assert world.ask(name).status == 200
    world.gateway.put(name)
    assert world.ask(name).reason == "no_consent"


def test_a_withdrawn_consent_denies_from_then_on(world):
    name = world.person(consent("c1"), consent("c2", data="location.speed: {}"))
    assert "coordinates" in world.ask(name).text()
    world.gateway.withdraw(name, "c1")
    after = world.ask(name)
    assert after.status == 200 and "coordinates" not in after.text()
    world.gateway.withdraw(name, "c2")
    assert world.ask(name).status == 403


def test_withdrawing_what_is_not_there_says_so_and_changes_nothing(world):
    name = world.person(consent("c1"))
    before = world.ask(name).receipt
    with pytest.raises(Failed) as failed:
        world.gateway.withdraw(name, "c9")
    assert "c9" in failed.value.stderr
    assert world.ask(name).receipt == before + 1


def test_each_change_of_a_policy_is_a_receipt(world):
    name = world.person()
    before = world.ask(name).receipt
    world.gateway.put(name, consent("c1"), consent("c2", partner_="recommender"))
    world.gateway.put(name, consent("c1", data="location: {precision: 1km}"),
                      refuse="- data: [location.speed]")
    first, second = (world.gateway.receipt(before + i) for i in (1, 2))
    assert first["kind"] == second["kind"] == "policy"
    assert (first["granted"], first["changed"], first["withdrawn"]) == (2, 0, 0)
    assert (second["granted"], second["changed"], second["withdrawn"]) == (0, 1, 1)
    assert second["refusals_added"] == 1


def test_the_stored_policy_is_the_text_that_was_put(world):
    name = world.person()
    text = policy_text(name, consent()).replace("consents:", "# mine\nconsents:")
    world.gateway.put_policy(text)
    assert world.gateway.sluis("policy", "get", name).stdout == text


def test_history_and_diff_tell_the_versions(world):
    name = world.person(consent("c1"))
    world.gateway.put(name, consent("c1"), consent("c2", partner_="recommender"))
    history = world.gateway.sluis("policy", "history", name).stdout
    assert len([line for line in history.splitlines() if re.match(r"\s*(version\s+)?[12]\b", line)]) == 2
    file = world.gateway.folder / "next.yaml"
    file.write_text(policy_text(name, consent("c1")), encoding="utf-8")
    difference = world.gateway.sluis("policy", "diff", name, file, ok=(0, 1)).stdout
    assert "c2" in difference and "c1" not in difference


@pytest.mark.parametrize("broken, says", [
    ("sluis: 1\nsubject: x\n  timezone: y\n", "line|:3:|:2:"),
    ("sluis: 1\nsubject: NAME\ntimezone: Europe/Atlantis\n", "Europe/Atlantis"),
    ("sluis: 2\nsubject: NAME\ntimezone: UTC\n", "sluis"),
    ("sluis: 1\nsubject: NAME\ntimezone: UTC\nconsentz: []\n", "consentz"),
    (policy_text("NAME", consent("c1") + consent("c1", partner_="recommender")), "c1"),
    (policy_text("NAME", consent(partner_="nobody")), "nobody"),
    (policy_text("NAME", consent(app="noapp")), "noapp"),
    (policy_text("NAME", consent(purpose="world-peace")), "world-peace"),
    (policy_text("NAME", consent(purpose="insurance")), "insurance"),
    (policy_text("NAME", consent(data="locatoin: {}")), "location"),
    (policy_text("NAME", consent(data="location: {precision: soon}")), "soon"),
    (policy_text("NAME", consent(more="until: 2026-02-30")), "2026-02-30"),
    (policy_text("NAME", consent(more='when: {hours: "25:00-26:00"}')), "25:00"),
    (policy_text("NAME", consent(more="situation: [flying]")), "flying"),
    (policy_text("NAME", consent(more="at_most: 24 per fortnight")), "fortnight"),
    ("&a sluis: 1\nsubject: *a\n", "anchor|alias"),
    ("sluis: 1\nsubject: NAME\nsubject: NAME\ntimezone: UTC\n", "subject"),
    ("sluis: 1\nsubject: NAME\ntimezone: UTC\n---\nsluis: 1\n", "document"),
    ("", ""),
    ("\0\0\0", ""),
    ("sluis: 1\nsubject: NAME\ntimezone: UTC\n# " + "x" * 70000, "65|64"),
])
def test_a_broken_policy_is_refused_with_the_place_and_nothing_changes(world, broken, says):
    name = world.person(consent())
    before = world.ask(name).receipt
    file = world.gateway.folder / "broken.yaml"
    file.write_text(broken.replace("NAME", name), encoding="utf-8")
    with pytest.raises(Failed) as failed:
        world.gateway.sluis("policy", "put", file)
    said = failed.value.stderr + failed.value.stdout
    assert failed.value.status > 0
    assert re.search(r"broken\.yaml:\d+(:\d+)?", said), said
    assert re.search(says, said), said
    after = world.ask(name)
    assert after.status == 200 and after.receipt == before + 1


def test_all_mistakes_are_told_at_once(world):
    name = world.person()
    file = world.gateway.folder / "broken.yaml"
    file.write_text(policy_text(name, consent("c1", partner_="nobody", purpose="world-peace")
                                + consent("c2", data="locatoin: {}")), encoding="utf-8")
    with pytest.raises(Failed) as failed:
        world.gateway.sluis("policy", "put", file)
    said = failed.value.stderr + failed.value.stdout
    for mistake in ("world-peace", "locatoin"):
        assert mistake in said


def test_check_needs_no_daemon_and_no_state(tmp_path):
    file = tmp_path / "policy.yaml"
    file.write_text(policy_text("lotte", consent()), encoding="utf-8")
    run(SLUIS, "policy", "check", file)
    file.write_text(policy_text("lotte", consent(data="locatoin: {}")), encoding="utf-8")
    with pytest.raises(Failed):
        run(SLUIS, "policy", "check", file)


# Amsterdam: clocks went back on 2026-10-25 at 03:00 (to 02:00), and go forward on 2027-03-28 at
# 02:00 (to 03:00). All times below are UTC, the policy's hours are local.
@pytest.mark.parametrize("at, when, expected", [
    ("2026-11-02T05:00:00Z", '{hours: "06:00-20:00"}', "consented"),      # 06:00
    ("2026-11-02T04:59:59Z", '{hours: "06:00-20:00"}', "outside_hours"),  # 05:59:59
    ("2026-11-02T18:59:59Z", '{hours: "06:00-20:00"}', "consented"),      # 19:59:59
    ("2026-11-02T19:00:00Z", '{hours: "06:00-20:00"}', "outside_hours"),  # 20:00
    ("2026-07-06T04:00:00Z", '{hours: "06:00-20:00"}', "consented"),      # 06:00 in summer
    ("2026-07-06T03:59:59Z", '{hours: "06:00-20:00"}', "outside_hours"),
    ("2026-10-25T00:30:00Z", '{hours: "02:00-03:00"}', "consented"),      # 02:30, the first time
    ("2026-10-25T01:30:00Z", '{hours: "02:00-03:00"}', "consented"),      # 02:30, once more
    ("2026-10-25T02:00:00Z", '{hours: "02:00-03:00"}', "outside_hours"),  # 03:00
    ("2027-03-28T00:59:59Z", '{hours: "02:00-03:00"}', "outside_hours"),  # 01:59:59
    ("2027-03-28T01:00:00Z", '{hours: "02:00-03:00"}', "outside_hours"),  # 03:00: no 02:30 today
    ("2027-03-28T01:00:00Z", '{hours: "03:00-04:00"}', "consented"),
    ("2026-11-06T22:30:00Z", '{days: [fri], hours: "22:00-06:00"}', "consented"),      # Friday 23:30
    ("2026-11-07T04:30:00Z", '{days: [fri], hours: "22:00-06:00"}', "consented"),      # Saturday 05:30
    ("2026-11-07T22:30:00Z", '{days: [fri], hours: "22:00-06:00"}', "outside_hours"),  # Saturday
    ("2026-11-06T04:30:00Z", '{days: [fri], hours: "22:00-06:00"}', "outside_hours"),  # Friday 05:30
    ("2026-11-06T12:00:00Z", "{days: [mon-fri]}", "consented"),
    ("2026-11-07T12:00:00Z", "{days: [mon-fri]}", "outside_hours"),
    ("2026-11-08T12:00:00Z", "{days: [sat, sun]}", "consented"),
    ("2026-11-08T23:00:00Z", "{days: [sat, sun]}", "outside_hours"),      # Monday 00:00
    ("2026-11-06T23:00:00Z", "{days: [sat, sun]}", "consented"),          # Saturday 00:00
])
def test_hours_are_local_and_daylight_saving_is_right(world, at, when, expected):
    name = world.person(consent(more=f"when: {when}"))
    assert reason_of(explain(world, name, "--at", at)) == expected


@pytest.mark.parametrize("at, expected", [
    ("2026-10-31T22:59:59Z", "not_yet"),    # 23:59:59 on the day before
    ("2026-10-31T23:00:00Z", "consented"),  # 00:00 local
    ("2027-04-30T21:59:59Z", "consented"),  # summer time by then
    ("2027-04-30T22:00:00Z", "expired"),
])
def test_from_and_until_are_local_midnights(world, at, expected):
    name = world.person(consent(more="from: 2026-11-01\nuntil: 2027-05-01"))
    assert reason_of(explain(world, name, "--at", at)) == expected


def test_a_refusal_at_night_leaves_the_day_alone(world):
    name = world.person(consent(), refuse='- data: [location]\n  when: {hours: "22:00-06:00"}')
    assert reason_of(explain(world, name, "--at", "2026-11-02T12:00:00Z")) == "consented"
    assert reason_of(explain(world, name, "--at", "2026-11-02T23:00:00Z")) == "refused"


def test_explain_says_what_the_gateway_does(world):
    for name in (world.person(), world.person(consent()), world.person(consent(partner_="recommender")),
                 world.person(consent(), refuse="- data: [location]"),
                 world.person(consent(more="until: 2020-01-01")),
                 world.person(consent(more="situation: [driving]"))):
        answer = world.ask(name)
        done = "consented" if answer.status == 200 else answer.reason
        assert reason_of(explain(world, name)) == done


def test_policies_can_be_put_without_a_daemon(fresh):
    name = fresh.person(consent())
    assert fresh.gateway.sluis("policy", "get", name).stdout
    fresh.gateway.start()
    assert fresh.ask(name).status == 200
    fresh.gateway.verify()


def test_flows_go_on_while_policies_are_put(world):
    name = world.person(consent())
    other = world.person()
    partner = world.partner()
    with partner.connect() as connection:
        for i in range(8):
            connection.send(partner.request(partner.path(POSITION, name)) * 10)
            world.gateway.put(other, consent(f"c{i}"))
            assert [connection.read_answer().status for _ in range(10)] == [200] * 10


def test_a_refusal_of_a_partner_that_does_not_exist_is_no_policy(world):
    """Or it would look as if it refused something."""
    name = world.person(consent())
    with pytest.raises(Failed) as failed:
        world.gateway.put(name, consent(), refuse="- partner: spotfy")
    assert "spotfy" in failed.value.stderr and "spotify" in failed.value.stderr
    assert world.ask(name).status == 200
