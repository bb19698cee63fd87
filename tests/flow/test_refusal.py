"""What a partner gets when somebody has not consented: a reason, a receipt, and not one bit more."""
import pathlib
import re
import subprocess

import pytest

import answers
import partner as partner_
from world import feature
from gateway import ENVIRONMENT, LISTENING, POSITION, SLUIS, consent, policy_text

UNKNOWN_PSEUDONYM = "A" * 43


@pytest.mark.parametrize("reason, policy", [
    ("no_consent", {}),
    ("no_consent", {"consents": [consent(partner_="recommender")]}),
    ("no_consent", {"consents": [consent(app="spotify", data="listening.track: {}")]}),
    ("not_yet", {"consents": [consent(more="from: 2090-01-01")]}),
    ("expired", {"consents": [consent(more="until: 2020-01-01")]}),
    ("situation", {"consents": [consent(more="situation: [driving]")]}),
    ("refused", {"consents": [consent()], "refuse": "- data: [location]"}),
    ("refused", {"consents": [consent()], "refuse": "- partner: spotify"}),
    ("not_covered", {"consents": [consent(data="listening.track: {}")]}),
])
def test_without_a_consent_that_fits_the_flow_is_refused(world, reason, policy):
    name = world.person(*policy.get("consents", ()), refuse=policy.get("refuse", ""))
    world.waze.forget()
    answer = world.ask(name)
    assert answer.status == 403
    assert answer.reason == reason
    receipt = world.gateway.receipt(answer.receipt)
    assert receipt["decision"] == "refuse" and receipt["reason"] == reason
    assert world.waze.requests == [], "the app is not even asked"


def test_outside_the_granted_hours_the_flow_is_refused(world):
    # A window of one minute, twelve hours from now, whatever the clock says.
    import datetime
    then = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=12)
    end = then + datetime.timedelta(minutes=1)
    name = world.person(consent(more=f'when: {{hours: "{then:%H:%M}-{end:%H:%M}"}}'),
                        timezone="UTC")
    assert world.ask(name).reason == "outside_hours"


def test_a_refusal_is_a_problem_document(world):
    answer = world.ask(world.person())
    problem = answer.json()
    assert answer.header("content-type") == "application/problem+json"
    assert answer.header("cache-control") == "no-store"
    assert answer.header("x-content-type-options") == "nosniff"
    assert problem["status"] == 403
    assert problem["type"].endswith("no_consent")
    assert problem["title"] and problem["detail"]
    assert problem["receipt"].endswith(f"/{answer.receipt}")


def test_an_unknown_subject_and_one_without_consent_look_the_same(world):
    without = world.person()
    asked = world.partner()

    def neutral(answer):
        text = answer.head.decode() + "\r\n\r\n" + answer.body.decode()
        text = re.sub(r"\r\nDate: [^\r]*", "\r\nDate: -", text, flags=re.IGNORECASE)
        return text.replace(f"/{answer.receipt}", "/-")
    for _ in range(2):
        one = asked.get(asked.path(POSITION, without))
        other = asked.get(POSITION.replace("{subject}", UNKNOWN_PSEUDONYM))
        if len(str(one.receipt)) == len(str(other.receipt)):
            break  # from 9 to 10 the length differs, and that says nothing about anyone
    assert neutral(one) == neutral(other)
    assert one.reason == other.reason == "no_consent"


def test_an_unknown_subject_looks_the_same_in_the_ledger(world):
    without = world.person()
    asked = world.partner()
    one = world.gateway.receipt(asked.get(asked.path(POSITION, without)).receipt)
    other = world.gateway.receipt(
        asked.get(POSITION.replace("{subject}", UNKNOWN_PSEUDONYM)).receipt)
    differs = {key for key in one if one[key] != other.get(key)}
    assert set(one) == set(other)
    assert differs <= {"index", "tag", "basis", "time", "batch", "leaf_hash"}
    for key in ("tag", "basis"):
        assert len(one[key]) == len(other[key])


@pytest.mark.parametrize("subject", [
    "A", "A" * 42, "A" * 44, "A" * 43, "lotte", "_" * 43, "-" * 43, "A" * 1500, "~",
])
def test_odd_subjects_are_nobody(world, subject):
    answer = world.partner().get(POSITION.replace("{subject}", subject))
    assert answer.status == 403 and answer.reason == "no_consent"


def test_one_partners_pseudonym_means_nothing_to_another(world):
    name = world.person(consent(), consent("c2", partner_="recommender"))
    theirs = world.gateway.pseudonym("spotify", name)
    answer = world.partner("recommender").get(POSITION.replace("{subject}", theirs),
                                              purpose="recommendation")
    assert answer.reason == "no_consent"


@pytest.mark.parametrize("authorization", [
    None, "", "Bearer", "Bearer ", "Bearer sluis_", "Bearer sluis_" + "A" * 43,
    "Bearer sluis_" + "A" * 42, "Basic c2x1aXM6c2x1aXM=", "Bearer " + "x" * 4000,
    "bearer", "Bearer sluis_" + "A" * 43 + " ",
])
def test_an_unknown_token_gets_nothing_and_no_receipt(world, authorization):
    name = world.person(consent())
    before = world.ask(name).receipt
    headers = [] if authorization is None else [("Authorization", authorization)]
    path = world.partner().path(POSITION, name)
    with world.partner().connect() as connection:
        connection.send(partner_.request(path, headers=headers))
        answer = connection.read_answer()
    assert answer.status == 401
    assert answer.receipt is None
    assert answer.header("www-authenticate") is not None
    assert world.ask(name).receipt == before + 1


def test_two_authorization_headers_are_not_a_choice(world):
    name = world.person(consent())
    partner = world.partner()
    with partner.connect() as connection:
        connection.send(partner.request(partner.path(POSITION, name),
                                        headers=[("Authorization", "Bearer sluis_" + "A" * 43)]))
        assert connection.read_answer().status in (400, 401)


@pytest.mark.parametrize("path", [
    "/", "/v1", "/v1/drivers", "/v1/drivers/{s}", "/v1/drivers/{s}/position/", "/v1/drivers/{s}/Position",
    "/v2/drivers/{s}/position", "/V1/drivers/{s}/position", "/v1/drivers/position",
    "/v1/drivers/{s}/positions", "/v1/drivers/{s}/x/position", "/metrics", "/favicon.ico",
])
def test_an_unknown_route_is_404_without_a_receipt(world, path):
    name = world.person(consent())
    before = world.ask(name).receipt
    answer = world.partner().get(path.replace("{s}", world.gateway.pseudonym("spotify", name)))
    assert answer.status == 404
    assert answer.receipt is None
    assert world.ask(name).receipt == before + 1


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
def test_another_method_is_refused_without_a_receipt(world, method):
    name = world.person(consent())
    before = world.ask(name).receipt
    partner = world.partner()
    with partner.connect() as connection:
        connection.send(partner.request(partner.path(POSITION, name), method=method,
                                        headers=[("Connection", "close")]))
        head = connection.read_to_end().partition(b"\r\n\r\n")[0]
    assert head.startswith((b"HTTP/1.1 405", b"HTTP/1.1 501", b"HTTP/1.1 400"))
    assert b"sluis-receipt" not in head.lower()
    assert world.ask(name).receipt == before + 1


@pytest.mark.parametrize("query", [
    "?limit=1", "?x", "?", "?x=1&x=2", "?limit=5%30",
])
def test_parameters_that_the_route_does_not_name_are_refused(world, query):
    name = world.person(consent())
    partner = world.partner()
    world.waze.forget()
    answer = partner.get(partner.path(POSITION, name) + query)
    if query == "?":
        assert answer.status in (200, 400)
    else:
        assert answer.status == 400 and answer.receipt is None
        assert world.waze.requests == []


@pytest.mark.parametrize("query", ["?limit=5&limit=6", "?limit=a%20b", "?limit=5&x=1",
                                   "?limit=<>", "?limit=5&&before=1"])
def test_parameters_that_the_route_names_must_be_plain_and_single(world, query):
    name = world.person(consent(app="spotify", partner_="recommender",
                                data="listening.genre: {}"))
    partner = world.partner("recommender")
    world.spotify.forget()
    answer = partner.get(partner.path(LISTENING, name) + query, purpose="recommendation")
    assert answer.status == 400 and answer.receipt is None
    assert world.spotify.requests == []


def test_a_purpose_outside_the_contract_is_refused(world):
    name = world.person(consent())
    for purpose in ("marketing", "insurance", "no-such-purpose", "Recommendation", "recommendation,"):
        answer = world.ask(name, purpose=purpose)
        assert answer.status == 403 and answer.reason == "purpose", purpose


def test_of_several_purposes_the_partner_has_to_name_one(world):
    name = world.person(consent(partner_="recommender"))
    assert world.ask(name, "recommender").reason == "purpose"
    assert world.ask(name, "recommender", purpose="marketing").reason == "no_consent"
    assert world.ask(name, "recommender", purpose="recommendation").status == 200


def test_after_a_refusal_the_connection_serves_on(world):
    refused, consented = world.person(), world.person(consent())
    partner = world.partner()
    with partner.connect() as connection:
        for name, status in ((refused, 403), (consented, 200), (refused, 403)):
            connection.send(partner.request(partner.path(POSITION, name)))
            assert connection.read_answer().status == status


def test_the_ledger_tells_nobody_who_it_was(world):
    name = world.person(consent(data="location: {}"),
                        answer=answers.well(feature("zoë-de-vries")))
    world.ask(name)
    name = world.person(consent(data="location: {}"))
    answer = world.ask(name)
    everything = b"".join(file.read_bytes() for file in world.gateway.ledger.rglob("*")
                          if file.is_file())
    assert b'"kind":"pull"' in everything
    for secret in (name, world.gateway.pseudonym("spotify", name), "zoë-de-vries", "52.378796",
                   world.partner().token, str(answer.json()["geometry"]["coordinates"][0])):
        assert secret.encode() not in everything


def test_while_the_clock_is_behind_the_newest_receipt_nobody_is_judged(fresh):
    """A clock set back would bring ended consents to life."""
    gateway = fresh.gateway
    gateway.start()
    name = fresh.person(consent())
    assert fresh.ask(name).status == 200
    gateway.stop()

    # Without a daemon `sluis` records by itself, a day ahead; then the clock is right again.
    policy = gateway.folder / "tomorrow.yaml"
    policy.write_text(policy_text("somebody-else", consent()), encoding="utf-8")
    library = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    ahead = ENVIRONMENT | {"LD_PRELOAD": str(library), "FAKETIME": "+1d"}
    ahead["ASAN_OPTIONS"] += ":verify_asan_link_order=0"
    subprocess.run([SLUIS, "-c", gateway.config, "policy", "put", policy], env=ahead, check=True,
                   timeout=60, capture_output=True)
    gateway.start()
    answer = fresh.ask(name)
    assert answer.status == 503 and answer.reason == "clock"
    assert fresh.gateway.receipt(answer.receipt)["reason"] == "clock"
    gateway.withdraw(name, "c1")
