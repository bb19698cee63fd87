"""What a person does at the page in a real browser: Debian's chromium, through playwright-core."""
import json
import os
import pathlib
import subprocess

import pytest

from gateway import consent
from world import World

HERE = pathlib.Path(__file__).resolve().parent
PACKAGES = pathlib.Path(os.environ.get("SLUIS_BROWSER", HERE.parents[1] / "build/browser")).resolve()
WAIT_S = 180


@pytest.fixture(scope="module")
def paged(tmp_path_factory):
    one = World(tmp_path_factory.mktemp("browser") / "node", page=True)
    try:
        one.gateway.start()
        yield one
    finally:
        one.close()


def played(world, scenario, name):
    link = json.loads(world.gateway.sluis("login", name, "--json").stdout)["link"]
    done = subprocess.run(["node", HERE / "play.mjs", scenario, link], text=True, timeout=WAIT_S,
                          stdin=subprocess.DEVNULL, capture_output=True, check=False,
                          env={**os.environ, "SLUIS_BROWSER": str(PACKAGES)})
    assert done.returncode == 0, done.stdout + done.stderr


def everything(world):
    return world.person(
        consent(more='situation: [driving]\nwhen: {days: [mon-fri], hours: "06:00-20:00"}\n'
                "until: 2031-05-01\nat_most: 24 per day"),
        consent("taste", app="spotify", data="listening.artist: {top: 3}"),
        refuse='- data: [location]\n  when: {hours: "22:00-06:00"}\n')


@pytest.mark.parametrize("language", ["en", "nl"])
def test_somebody_without_a_mouse_signs_in_and_stops_sharing(paged, language):
    name = paged.person(consent())
    assert paged.ask(name).status == 200
    played(paged, f"by-keyboard-{language}", name)
    assert paged.ask(name).reason == "no_consent"


def test_the_language_is_chosen_on_the_page(paged):
    played(paged, "language", everything(paged))


def test_no_page_has_a_finding_of_axe_or_runs_off_the_edge(paged):
    played(paged, "everyone", everything(paged))


def test_the_page_asks_nobody_else_and_is_small(paged):
    played(paged, "nobody", everything(paged))
