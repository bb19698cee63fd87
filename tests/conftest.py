"""conftest.py - what flow and crash tests start from

`world` is a running gateway with two apps that tests of one file share; tests keep apart by using
subjects of their own. `fresh` is a gateway for one test alone, not started yet.
"""
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "lib"), str(HERE.parent / "tools/demo")]

from world import World  # noqa: E402


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    one = World(tmp_path_factory.mktemp("world") / "node")
    try:
        one.gateway.start()
        yield one
    finally:
        one.close()


@pytest.fixture
def fresh(tmp_path):
    one = World(tmp_path / "node")
    try:
        yield one
    finally:
        one.close()
