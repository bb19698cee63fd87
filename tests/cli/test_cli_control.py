"""The control socket: private, strict, and the same answers as without a daemon."""
import json
import os
import socket
import stat
import subprocess
import sys

import pytest

from cli_node import POLICY
from gateway import WAIT_S


@pytest.fixture
def dial(busy):
    opened = []

    def connect():
        one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        one.settimeout(WAIT_S)
        one.connect(str(busy.state / "control.sock"))
        opened.append(one)
        return one
    yield connect
    for one in opened:
        one.close()


def exchange(connection, line):
    connection.sendall(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n")
    return read_answer(connection)


def read_answer(connection):
    data = b""
    while not data.endswith(b"\n"):
        piece = connection.recv(65536)
        if not piece:
            assert data == b"", "half an answer"
            return None
        data += piece
    return json.loads(data)


def test_the_socket_is_private(busy):
    assert stat.S_IMODE((busy.state / "control.sock").stat().st_mode) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user")
def test_another_user_is_turned_away_even_when_the_folder_is_open(busy, dial):
    """The socket's mode is not the only guard. What is opened up here is closed again."""
    folders = [busy.state, *busy.state.parents]
    modes = [(folder, stat.S_IMODE(folder.stat().st_mode)) for folder in folders]
    code = ("import socket,sys,os\nos.setgid(65534); os.setuid(65534)\n"
            "s = socket.socket(socket.AF_UNIX); s.settimeout(30); s.connect(sys.argv[1])\n"
            "try:\n s.sendall(b'{\"call\":\"status\"}\\n'); data = s.recv(100)\n"
            "except (BrokenPipeError, ConnectionResetError): data = b''\n"
            "sys.exit(0 if data == b'' else 1)\n")
    try:
        for folder, mode in modes:
            folder.chmod(mode | 0o755)
        (busy.state / "control.sock").chmod(0o666)
        done = subprocess.run([sys.executable, "-c", code, str(busy.state / "control.sock")],
                              check=False, capture_output=True, timeout=WAIT_S)
    finally:
        for folder, mode in modes:
            folder.chmod(mode)
        (busy.state / "control.sock").chmod(0o600)
    assert done.returncode == 0, done.stderr
    assert exchange(dial(), {"call": "status"})["outcome"] == "status", "and the next is served"


def test_several_calls_on_one_connection_also_in_one_piece(dial):
    connection = dial()
    assert exchange(connection, {"call": "status"})["outcome"] == "status"
    connection.sendall(b'{"call":"status"}\n{"call":"nothing"}\n')
    data = b""
    while data.count(b"\n") < 2:
        data += connection.recv(65536)
    first, second = map(json.loads, data.splitlines())
    assert (first["outcome"], second["outcome"]) == ("status", "misused")


@pytest.mark.parametrize("line", [
    b"\n", b"{}\n", b"[]\n", b"nonsense\n", b'"status"\n', b'{"call":1}\n', b'{"call":"stop"}\n',
    b'{"call":"status","call":"status"}\n', b'{"call":"status","more":1}\n',
    b'{"call":"policy_put"}\n', b'{"call":"policy_put","yaml":1}\n',
    b'{"call":"policy_put","yaml":"x","expected_version":"1"}\n',
    b'{"call":"policy_put","yaml":"x","expected_version":-1}\n',
    b'{"call":"policy_put","yaml":"x","expected_version":1.5}\n',
    b'{"call":"subject_add","subject":"x\\u0000y"}\n', b'{"call":"subject_add","subject":"\xff"}\n',
    b'{"call":"subject_account","subject":"x","app":"y"}\n', pytest.param(b"[" * 3000 + b"\n", id="nested"),
])
def test_what_is_no_call_is_refused_and_the_connection_goes_on(busy, dial, line):
    before = busy.json("subject", "list")
    connection = dial()
    answer = exchange(connection, line)
    assert answer["outcome"] == "misused" and answer["text"]
    assert exchange(connection, {"call": "status"})["outcome"] == "status"
    assert busy.json("subject", "list") == before


def test_a_request_of_the_longest_length_is_served_and_one_byte_more_is_not(dial):
    call = b'{"call":"status"}'
    connection = dial()
    assert exchange(connection, call.ljust(262144) + b"\n")["outcome"] == "status"
    answer = exchange(connection, call.ljust(262145))
    assert answer["outcome"] == "misused" and "long" in answer["text"]
    try:
        assert connection.recv(1) == b""
    except ConnectionResetError:
        pass


def test_a_client_that_says_nothing_is_cut_off_and_the_next_is_served(dial):
    silent, next_ = dial(), dial()
    silent.sendall(b'{"call":')
    assert exchange(next_, {"call": "status"})["outcome"] == "status"
    assert silent.recv(1) == b""


def test_a_silent_client_delays_nobody(dial):
    """The silent one is still there after the others were answered."""
    silent, half, deaf, late = dial(), dial(), dial(), dial()
    half.sendall(b'{"call":')
    deaf.setblocking(False)
    try:
        while True:  # takes no answer, until nothing more goes in
            deaf.send(b'{"call":"status"}\n' * 1000)
    except BlockingIOError:
        pass
    assert exchange(late, {"call": "status"})["outcome"] == "status"
    assert exchange(half, b'"status"}\n')["outcome"] == "status"
    assert exchange(silent, {"call": "status"})["outcome"] == "status"


def test_sixteen_clients_have_a_place_and_the_next_waits_for_one(dial):
    clients = [dial() for _ in range(16)]
    for one in clients:
        assert exchange(one, {"call": "status"})["outcome"] == "status"
    waits = dial()
    waits.sendall(b'{"call":"status"}\n')
    assert exchange(clients[0], {"call": "status"})["outcome"] == "status"
    waits.setblocking(False)
    with pytest.raises(BlockingIOError):
        waits.recv(1)
    waits.settimeout(WAIT_S)
    clients[1].close()
    assert read_answer(waits)["outcome"] == "status"


def test_a_client_that_goes_away_disturbs_nobody(dial):
    gone = dial()
    gone.sendall(b'{"call":"status"}\n' * 2000)
    gone.close()
    assert exchange(dial(), {"call": "status"})["outcome"] == "status"


def test_policies_over_the_socket(busy, dial):
    connection = dial()
    text = POLICY.format(subject="socket")
    put = exchange(connection, {"call": "policy_put", "yaml": text})
    assert (put["outcome"], put["version"]) == ("recorded", 1) and put["change"]["granted"] == 1
    again = exchange(connection, {"call": "policy_put", "yaml": text})
    assert (again["outcome"], again["version"]) == ("unchanged", 1)
    late = exchange(connection, {"call": "policy_put", "yaml": text + "# x\n", "expected_version": 0})
    assert (late["outcome"], late["version"]) == ("conflict", 1)
    wrong = exchange(connection, {"call": "policy_put", "yaml": text.replace("soundmap", "no")})
    assert wrong["outcome"] == "invalid" and wrong["problems"][0]["line"] == 5
    assert busy.sluis("policy", "get", "socket").out == text


def test_the_tool_uses_the_socket_while_the_daemon_runs(busy):
    put = busy.put("tool")
    assert "version 1 is in force" in put.out
    assert busy.sluis("subject", "add", "tool2").code == 0
    assert busy.sluis("subject", "add", "tool2").code == 73
    assert busy.sluis("subject", "account", "tool2", "wayfinder", "t.two").code == 0
    assert busy.sluis("subject", "account", "nobody", "wayfinder", "x").code == 66
    done = busy.sluis("policy", "put", busy.write_policy("tool", old="soundmap", new="none"))
    assert done.code == 65 and "tool.yaml:5:" in done.err


def test_the_largest_policy_fits_through_the_socket(busy):
    file = busy.write_policy("large")
    text = file.read_text()
    # Each of these takes three times as many bytes in JSON.
    file.write_bytes(text.encode() + b"# " + b"\x22" * (65536 - len(text) - 3) + b"\n")
    assert file.stat().st_size == 65536
    done = busy.sluis("policy", "put", file)
    assert done.code == 0, done.err


def test_status_of_a_running_daemon(busy):
    done = busy.sluis("status")
    assert done.code == 0 and "runs" in done.out and "takes receipts" in done.out
    found = busy.json("status")
    assert found["running"] is True and found["pid"] == busy.daemon.pid
    assert found["receipts"] >= 6 and found["segments"] >= 1 and found["full"] is False


def test_a_second_sluis_waits_for_the_first(node):
    files = [node.write_policy(f"s{i}") for i in range(6)]
    from gateway import ENVIRONMENT, SLUIS
    started = [subprocess.Popen([SLUIS, "-c", node.config, "policy", "put", file],
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                env=ENVIRONMENT) for file in files]
    for one in started:
        error = one.communicate(timeout=WAIT_S)[1]
        assert one.returncode == 0, error
    assert len(node.json("subject", "list")) == 6
