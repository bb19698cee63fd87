"""cli_node.py - runs the tools, piped or on a terminal, in a folder that `sluis init` made"""
import json
import os
import pathlib
import pty
import select
import subprocess
import types

import gateway as gateway_
from gateway import SLUIS

ORIGIN = "cli.example/gateway"

POLICY = """\
sluis: 1
subject: {subject}
timezone: Europe/Amsterdam
consents:
  - id: drive
    app: wayfinder
    partner: soundmap
    purpose: recommendation
    data:
      location: {{precision: 5km, time: 15min}}
    in_return: Playlists that fit the drive
"""


def run(*command, env=None, given=None, cwd=None):
    """What came of a command: .code, .out, .err (bytes are decoded, never lost)."""
    done = subprocess.run([str(part) for part in command], input=given, capture_output=True,
                          env=gateway_.ENVIRONMENT | (env or {}), timeout=gateway_.WAIT_S,
                          cwd=cwd, check=False,
                          stdin=subprocess.DEVNULL if given is None else None)
    out = done.stdout.decode("utf-8", "surrogateescape")
    err = done.stderr.decode("utf-8", "surrogateescape")
    gateway_.check_sanitizers(err)
    return types.SimpleNamespace(code=done.returncode, out=out, err=err)


def run_on_terminal(*command, env=None, typed=None):
    """The same with standard output and error on a terminal; .out has both. `typed` is typed there."""
    ours, theirs = pty.openpty()
    if typed is not None:
        os.write(ours, typed.encode())
    child = subprocess.Popen([str(part) for part in command],
                             stdin=subprocess.DEVNULL if typed is None else theirs,
                             stdout=theirs, stderr=theirs,
                             env=gateway_.ENVIRONMENT | {"TERM": "xterm"} | (env or {}))
    os.close(theirs)
    out = b""
    while select.select([ours], [], [], gateway_.WAIT_S)[0]:
        try:
            piece = os.read(ours, 65536)
        except OSError:
            break
        if not piece:
            break
        out += piece
    os.close(ours)
    return types.SimpleNamespace(code=child.wait(gateway_.WAIT_S), out=out.decode())


class Node:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.config = self.folder / "sluis.yaml"
        self.state = self.folder / "state"
        self.ledger = self.state / "ledger"
        self.vkey = self.state / "keys/ledger.vkey"
        made = run(SLUIS, "init", self.folder, "--origin", ORIGIN, "--json")
        assert made.code == 0, made.err
        self.token = json.loads(made.out)["token"]
        text = self.config.read_text(encoding="utf-8").replace(":8460", ":0")
        text += "limits:\n  segment_bytes: 1048576\n  consent_reserve_bytes: 65536\n"
        self.config.write_text(text, encoding="utf-8")

    def sluis(self, *arguments, **more):
        return run(SLUIS, "-c", self.config, *arguments, **more)

    def json(self, *arguments):
        done = self.sluis(*arguments, "--json")
        assert done.code == 0, done.err
        return json.loads(done.out)

    def write_policy(self, subject="lotte", old="", new="", name=None):
        file = self.folder / (name or f"{subject}.yaml")
        file.write_text(POLICY.format(subject=subject).replace(old, new) if old
                        else POLICY.format(subject=subject), encoding="utf-8")
        return file

    def put(self, subject="lotte", old="", new=""):
        done = self.sluis("policy", "put", self.write_policy(subject, old, new))
        assert done.code == 0, done.err
        return done
