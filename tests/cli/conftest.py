"""conftest.py - the command-line tools, run as an operator or an auditor runs them

`node` is a fresh `sluis init` folder; `busy` is one with a running sluisd, an app and some flows
behind it, shared by the tests of one file.
"""
import http.client
import subprocess
import types

import pytest

import answers
import app as app_
import gateway as gateway_
from cli_node import Node, run
from gateway import AUDIT, SLUISD


@pytest.fixture
def node(tmp_path):
    return Node(tmp_path / "node")


@pytest.fixture(scope="module")
def served_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("served") / "node"


def ask(address, token, pseudonym, path="/v1/drivers/{}/position"):
    connection = http.client.HTTPConnection(*address, timeout=gateway_.WAIT_S)
    connection.request("GET", path.format(pseudonym), headers={"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


@pytest.fixture(scope="module")
def busy(served_folder):
    """Six receipts: a policy, three releases, a refusal (no consent), a withdrawal."""
    node = Node(served_folder)
    app = app_.App()
    text = node.config.read_text(encoding="utf-8").replace(":8461", f":{app.port}")
    node.config.write_text(text, encoding="utf-8")
    feature = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [4.9, 52.37]},
               "properties": {"user": "lotte", "recorded_at": "2026-11-23T09:00:00Z",
                              "speed_kmh": 48}}
    app.on("/v1/drivers/lotte/position", answers.well(feature))
    daemon = subprocess.Popen([SLUISD, "-c", node.config], stdin=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True, env=gateway_.ENVIRONMENT)
    log = []
    try:
        for line in daemon.stderr:
            log.append(line)
            if "ready: partners on" in line:
                address = line.split("partners on ")[1].split(",")[0]
                break
        else:
            raise AssertionError("sluisd did not start:\n" + "".join(log))
        host, port = address.rsplit(":", 1)
        node.address = (host, int(port))
        node.daemon = daemon
        node.put("lotte")
        name = node.sluis("subject", "pseudonym", "--partner", "soundmap", "lotte").out.strip()
        statuses = [ask(node.address, node.token, name).status for _ in range(3)]
        assert statuses == [200] * 3
        assert ask(node.address, node.token, "A" * 43).status == 403
        assert node.sluis("policy", "withdraw", "lotte", "drive").code == 0
        yield node
    finally:
        daemon.terminate()
        rest = daemon.stderr.read()
        assert daemon.wait(gateway_.WAIT_S) == 0, "".join(log) + rest
        gateway_.check_sanitizers("".join(log) + rest)
        app.stop()


@pytest.fixture
def auditor(busy):
    def audit(*arguments, **more):
        return run(AUDIT, *arguments, **more)
    return types.SimpleNamespace(run=audit, ledger=busy.ledger, vkey=busy.vkey, node=busy)
