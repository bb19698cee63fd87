"""traces.py - every byte string that is one person's alone, and which files hold it

What no tool tells (the id, keys as they lie in the store) is read by tests/lib/subject_bytes.c.
"""
import base64
import json

from gateway import BUILD, consent, run

SUBJECT_BYTES = BUILD / "tests/flow/subject_bytes"
MARK = "Zwaluwstraat"  # a comment in the policy that no one else has


def policy(mark, more=""):
    return consent(more=f"at_most: 100 per day  # so that its uses are counted\n# {mark} {more}")


def traces(gateway, name, *users):
    """Every byte string that is only this person's, by what it is."""
    state = gateway.state
    done = run(SUBJECT_BYTES, state / "store", state / "keys/kek.key", name)
    found = {what: bytes.fromhex(text) for what, text in json.loads(done.stdout).items()}
    found |= {"name": name.encode()} | {f"user {user}": user.encode() for user in users}
    found["yaml"] = f"{MARK}-{name}".encode()
    found["id as text"] = found["id"].hex().encode()
    found["key as text"] = base64.urlsafe_b64encode(found["key"]).rstrip(b"=")
    for partner in gateway.partners:
        found[f"pseudonym at {partner}"] = gateway.pseudonym(partner, name).encode()
    return found


def files_of(gateway):
    return {file: file.read_bytes() for file in gateway.state.rglob("*") if file.is_file()}


def found_in_files(gateway, wanted):
    files = files_of(gateway)
    return {what: sorted(str(file.relative_to(gateway.state)) for file, held in files.items()
                         if text in held) for what, text in wanted.items()}
