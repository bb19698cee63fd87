"""What a person does at the page, over plain HTTP and without a script; and what others try."""
import json

import pytest

from gateway import Failed, consent
from visitor import Visitor
from world import World

EARLY = 'from: 2026-01-01\nsituation: [driving]\nwhen: {days: [mon-fri], hours: "06:00-20:00"}'


@pytest.fixture(scope="module")
def paged(tmp_path_factory):
    one = World(tmp_path_factory.mktemp("page") / "node", page=True)
    try:
        one.gateway.start()
        yield one
    finally:
        one.close()


def link_for(world, name):
    return json.loads(world.gateway.sluis("login", name, "--json").stdout)["link"]


def signed_in(world, name, language=None):
    visitor = Visitor(world.gateway.page_address, language)
    page = visitor.sign_in(link_for(world, name))
    assert page.status == 200
    return visitor


# --- signing in ------------------------------------------------------------------------------


def test_a_link_opens_the_page_once_and_looking_at_it_does_not_spend_it(paged):
    name = paged.person(consent())
    link = link_for(paged, name)
    path = "/" + link.split("://")[1].partition("/")[2]
    visitor, thief = (Visitor(paged.gateway.page_address) for _ in range(2))
    assert visitor.get(path).status == 200
    assert visitor.get(path).status == 200
    page = visitor.sign_in(link)
    assert page.status == 200 and name in page.words
    assert thief.get(path).status == 410
    assert thief.post("/login", {"link": path.rpartition("/")[2]}).status == 410
    assert thief.cookies == {}


@pytest.mark.parametrize("token", ["x", "A" * 43, "A" * 44, "%00", "..%2f", "a/b"])
def test_a_link_that_was_never_given_out_opens_nothing(paged, token):
    assert Visitor(paged.gateway.page_address).get(f"/login/{token}").status in (400, 410)


def test_nobody_gets_a_link_for_somebody_who_is_not_there(paged):
    with pytest.raises(Failed) as failed:
        paged.gateway.sluis("login", "nobody-at-all")
    assert failed.value.status == 67 and "no subject" in failed.value.stderr


def test_without_a_page_there_is_no_link_and_the_reason_is_said(fresh):
    fresh.gateway.start()
    name = fresh.person(consent())
    with pytest.raises(Failed) as failed:
        fresh.gateway.sluis("login", name)
    assert failed.value.status == 69 and "page: 127.0.0.1:8461" in failed.value.stderr
    fresh.gateway.stop()
    with pytest.raises(Failed) as failed:
        fresh.gateway.sluis("login", name)
    assert failed.value.status == 69 and "not running" in failed.value.stderr


def test_without_a_session_nothing_is_shown(paged):
    name = paged.person(consent())
    stranger = Visitor(paged.gateway.page_address)
    for path in ("/", "/consents/c1/stop", "/sessions"):
        page = stranger.get(path)
        assert page.status == 401 and name not in page.text and "Spotify" not in page.text
    for path in ("/consents/c1/stop", "/sessions", "/logout"):
        assert stranger.post(path, {"csrf": "A" * 43}).status == 401
    forged = Visitor(paged.gateway.page_address)
    forged.cookies["__Host-sluis"] = "A" * 43
    assert forged.get("/").status == 401


def test_two_cookies_of_one_name_count_as_none(paged):
    visitor = signed_in(paged, paged.person(consent()))
    token = visitor.cookies["__Host-sluis"]
    assert visitor.get("/", cookie=f"__Host-sluis={token}").status == 200
    twice = f"__Host-sluis={token}; __Host-sluis={'A' * 43}"
    assert visitor.get("/", cookie=twice).status == 401


def test_sessions_are_listed_and_can_be_ended_from_elsewhere(paged):
    name = paged.person(consent())
    here, there = signed_in(paged, name), signed_in(paged, name)
    page = here.get("/sessions")
    assert page.words.count("Another browser") == 1 and "This browser" in page.words
    forms = [form for form in page.forms if form.action == "/sessions"]
    assert len(forms) == 3
    here.send(forms[0], end="all")
    assert here.get("/").status == 401 and there.get("/").status == 401


def test_signing_out_ends_the_session_itself_and_not_only_the_cookie(paged):
    visitor = signed_in(paged, paged.person(consent()))
    kept = dict(visitor.cookies)
    page = visitor.send(visitor.get("/").form("/logout"))
    assert page.status == 200 and "__Host-sluis" not in visitor.cookies
    visitor.cookies = kept
    assert visitor.get("/").status == 401


def test_who_is_erased_is_signed_out(paged):
    name = paged.person(consent())
    visitor = signed_in(paged, name)
    paged.gateway.sluis("subject", "erase", name, "--yes")
    page = visitor.get("/")
    assert page.status == 401 and name not in page.text


# --- who gets what ---------------------------------------------------------------------------


def test_the_overview_says_who_gets_what_why_when_and_for_what(paged):
    name = paged.person(
        consent(data="location: {precision: 5km, time: 15min}\nlocation.speed: {}",
                more=EARLY + "\nuntil: 2031-05-01\nat_most: 24 per day"),
        refuse="- data: [location.place]\n  partner: spotify\n")
    words = signed_in(paged, name).get("/").words
    for said in ("spotify gets, from waze", "Where you are (roughly: in squares of 5km; times in "
                 "steps of 15min)", "How fast you move", "While you drive", "2026-01-01",
                 "2031-05-01", "24 times a day at most", "Playlists that fit the drive",
                 "What you always refuse", "Name of the place or street"):
        assert said in words, f"{said!r} not in: {words}"


def test_it_is_said_in_dutch_to_who_reads_dutch(paged):
    name = paged.person(consent(more=EARLY))
    visitor = signed_in(paged, name, language="fr-FR, nl-BE;q=0.8, en;q=0.5")
    page = visitor.get("/")
    assert '<html lang="nl">' in page.text
    assert "Wie krijgt wat over mij" in page.words and "Terwijl je rijdt" in page.words
    page = visitor.post("/language", {"to": "en"})
    assert '<html lang="en">' in page.text and "While you drive" in page.words


def test_somebody_without_a_policy_sees_that_nobody_gets_anything(paged):
    paged.gateway.sluis("subject", "add", "newcomer")
    words = signed_in(paged, "newcomer").get("/").words
    assert "Nobody gets anything about you" in words


@pytest.mark.parametrize("benefit", [
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "a & b",
    "مجاني لك", "🎁 gifts"])
def test_what_others_wrote_stays_text(tmp_path, benefit):
    partners = {"spotify": dict(purposes=["recommendation"], benefits=[json.dumps(benefit, ensure_ascii=False)])}
    world = World(tmp_path / "node", page=True, partners=partners)
    try:
        world.gateway.start()
        text = consent().replace("Playlists that fit the drive", json.dumps(benefit, ensure_ascii=False))
        page = signed_in(world, world.person(text)).get("/")
        assert "<script" not in page.text and "<img" not in page.text
        assert benefit in page.words or benefit.startswith(("<", '"'))
        assert "<bdi>" in page.text
    finally:
        world.close()


# --- stopping --------------------------------------------------------------------------------


def test_stopping_takes_one_click_and_one_confirmation_and_holds_when_the_page_says_so(paged):
    name = paged.person(consent())
    assert paged.ask(name).status == 200
    visitor = signed_in(paged, name)
    link = next(one for one in visitor.get("/").links if one.endswith("/stop"))
    page = visitor.get(link)
    assert "Playlists that fit the drive" in page.words and "Where you are" in page.words
    page = visitor.send(page.form(link))
    assert page.status == 200 and "Stopped. It is in the ledger as receipt" in page.words
    assert paged.ask(name).reason == "no_consent"
    index = int(page.words.split("receipt ")[1].split(",")[0])
    receipt = paged.gateway.receipt(index)
    assert receipt["kind"] == "policy" and receipt["withdrawn"] == 1
    assert visitor.get(link).status == 404
    paged.gateway.verify()


def test_stopping_works_after_hours_without_a_new_link(paged):
    """A withdrawal never asks to sign in anew: the session alone is enough."""
    name = paged.person(consent("one"), consent("two", data="location.speed: {}"))
    visitor = signed_in(paged, name)
    for ident in ("one", "two"):
        page = visitor.send(visitor.get(f"/consents/{ident}/stop").form(f"/consents/{ident}/stop"))
        assert "Stopped" in page.words
    assert "Nobody gets anything" in visitor.get("/").words


def test_a_consent_that_is_gone_meanwhile_is_not_stopped_twice(paged):
    name = paged.person(consent())
    first, second = signed_in(paged, name), signed_in(paged, name)
    page = second.get("/consents/c1/stop")
    paged.gateway.withdraw(name, "c1")
    answer = second.send(page.form("/consents/c1/stop"))
    assert answer.status == 409 and "changed meanwhile" in answer.words
    assert first.get("/").status == 200


# --- what others try -------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["evil.example", "localhost", "127.0.0.1", "127.0.0.1:1"])
def test_under_another_name_the_page_answers_nobody(paged, host):
    visitor = signed_in(paged, paged.person(consent()))
    page = visitor.get("/", host=host)
    assert page.status == 421 and "Spotify" not in page.text


def test_localhost_is_a_name_of_a_page_on_loopback(paged):
    visitor = signed_in(paged, paged.person(consent()))
    assert visitor.get("/", host=f"localhost:{visitor.address[1]}").status == 200


@pytest.mark.parametrize("without", [
    dict(origin="http://evil.example"), dict(site="cross-site"), dict(site="same-site"),
    dict(site="none"), dict(origin=None, site=None), dict(origin="null", site=None),
    dict(origin="https://127.0.0.1", site="same-origin")])
def test_a_form_from_elsewhere_changes_nothing(paged, without):
    name = paged.person(consent())
    visitor = signed_in(paged, name)
    form = visitor.get("/consents/c1/stop").form("/consents/c1/stop")
    assert visitor.post(form.action, form, **without).status == 403
    assert paged.ask(name).status == 200


@pytest.mark.parametrize("csrf", ["", "A" * 43, None])
def test_a_form_without_the_sessions_token_changes_nothing(paged, csrf):
    name = paged.person(consent())
    visitor = signed_in(paged, name)
    fields = {"version": "1"} | ({} if csrf is None else {"csrf": csrf})
    assert visitor.post("/consents/c1/stop", fields).status == 403
    assert paged.ask(name).status == 200


def test_another_sessions_token_does_not_count(paged):
    name = paged.person(consent())
    victim, other = signed_in(paged, name), signed_in(paged, paged.person(consent()))
    form = other.get("/consents/c1/stop").form("/consents/c1/stop")
    assert victim.post("/consents/c1/stop", form).status == 403
    assert paged.ask(name).status == 200


@pytest.mark.parametrize("body", [b"%zz", b"a=1&a=2", b"=1", b"a=%00", b"a=%ff",
                                  b"&".join(b"a%d=1" % i for i in range(33))])
def test_a_form_that_is_none_is_refused(paged, body):
    visitor = signed_in(paged, paged.person(consent()))
    assert visitor.ask("POST", "/logout", body).status == 400
    assert visitor.get("/").status == 200


def test_a_body_beyond_the_limit_is_refused_and_one_at_the_limit_is_read(paged):
    visitor = signed_in(paged, paged.person(consent()))
    assert visitor.ask("POST", "/logout", b"a=" + b"x" * (262144 - 2)).status == 403
    assert visitor.ask("POST", "/logout", b"a=" + b"x" * (262144 - 1)).status == 413


def test_every_answer_says_what_a_browser_must_not_do(paged):
    visitor = signed_in(paged, paged.person(consent()))
    for path in ("/", "/sessions", "/nowhere", "/consents/c1/stop", "/login/x"):
        page = visitor.get(path)
        assert page.header("cache-control") == "no-store"
        assert page.header("content-security-policy").startswith("default-src 'none'")
        assert "unsafe" not in page.header("content-security-policy")
        assert page.header("referrer-policy") == "same-origin"
        assert page.header("x-frame-options") == "DENY"
        assert page.header("x-content-type-options") == "nosniff"
        assert "style=" not in page.text and "<script" not in page.text
        assert "http://" not in page.text and "https://" not in page.text


def test_there_are_a_style_sheet_and_an_icon_and_no_other_file(paged):
    visitor = Visitor(paged.gateway.page_address)
    icon = visitor.get("/icon.svg")
    assert icon.status == 200 and icon.header("content-type") == "image/svg+xml"
    style = visitor.get("/page.css")
    assert style.status == 200 and style.header("content-type") == "text/css; charset=utf-8"
    assert b"url(" not in style.body and b"@import" not in style.body
    assert visitor.get("/../page.css").status == 400
    assert visitor.get("/favicon.ico").status == 404


def test_other_methods_are_no_pages(paged):
    visitor = signed_in(paged, paged.person(consent()))
    for method in ("PUT", "DELETE", "PATCH"):
        assert visitor.ask(method, "/").status in (404, 405)
