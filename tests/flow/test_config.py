"""sluis.yaml: `sluis init` writes one that works; `sluisd -t` tells each mistake with its place."""
import re
import stat

import pytest

from gateway import Failed, SLUIS, SLUISD, run


def check(gateway, **more):
    return run(SLUISD, "-t", "-c", gateway.config, **more)


def test_what_init_writes_is_a_working_configuration(tmp_path):
    run(SLUIS, "init", tmp_path / "node")
    run(SLUISD, "-t", "-c", tmp_path / "node/sluis.yaml")


def test_keys_are_readable_by_their_owner_only(tmp_path):
    run(SLUIS, "init", tmp_path / "node")
    keys = list((tmp_path / "node/state/keys").iterdir())
    assert len(keys) >= 3
    for key in keys:
        mode = stat.S_IMODE(key.stat().st_mode)
        assert mode == 0o600 or key.suffix == ".vkey", f"{key} has {mode:o}"


def test_init_does_not_touch_a_folder_that_is_in_use(tmp_path):
    run(SLUIS, "init", tmp_path / "node")
    before = {file: file.read_bytes() for file in (tmp_path / "node").rglob("*") if file.is_file()}
    with pytest.raises(Failed) as failed:
        run(SLUIS, "init", tmp_path / "node")
    assert str(tmp_path / "node") in failed.value.stderr
    assert before == {file: file.read_bytes()
                      for file in (tmp_path / "node").rglob("*") if file.is_file()}


def test_two_inits_have_different_keys(tmp_path):
    for name in ("one", "two"):
        run(SLUIS, "init", tmp_path / name)
    for key in (tmp_path / "one/state/keys").iterdir():
        assert key.read_bytes() != (tmp_path / "two/state/keys" / key.name).read_bytes()


def test_the_configuration_of_these_tests_is_sound(fresh):
    check(fresh.gateway)


@pytest.mark.parametrize("old, new, says", [
    ("sluis: 1", "sluis: 9", "9"),
    ("node:", "nodes:", "nodes"),
    ("app: waze", "app: wase", "waze"),
    ("purposes: [recommendation]", "purposes: [recomendation]", "recommendation"),
    ("location.latitude", "location.lattitude", "location.latitude"),
    ("http://127.0.0.1", "gopher://127.0.0.1", "http"),
    ("partners: 127.0.0.1:0", "partners: 127.0.0.1:99999", "99999"),
    ("partners: 127.0.0.1:0", "partners: 0.0.0.0:0", "TLS|certificate|loopback"),
    ("sha256:", "md5:", "sha256"),
    ("{subject}/position", "{user}/position", "subject"),
    ("GET /v1/drivers", "FETCH /v1/drivers", "FETCH"),
    ("$.properties.heading:", "$.properties[?(@.x)]:", "properties"),
    ("$.geometry.coordinates[1]: location.latitude", "$.geometry.x: time", "latitude|longitude"),
    ("segment_bytes: 1048576", "segment_bytes: 3", "1048576"),
    ("segment_bytes:", "segmint_bytes:", "segment_bytes"),
    ("- id: trace", "- id: position", "position"),
    ("state: state\n", "", "state"),
])
def test_a_mistake_is_told_with_line_column_and_a_hint(fresh, old, new, says):
    text = fresh.gateway.config.read_text(encoding="utf-8")
    assert old in text
    fresh.gateway.config.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(Failed) as failed:
        check(fresh.gateway)
    assert re.search(r"sluis\.yaml:\d+:\d+", failed.value.stderr), failed.value.stderr
    assert re.search(says, failed.value.stderr), failed.value.stderr
    assert re.search(says, fresh.gateway.refuses_to_start())


def test_every_mistake_is_told_not_only_the_first(fresh):
    text = fresh.gateway.config.read_text(encoding="utf-8")
    text = text.replace("app: waze", "app: wase").replace("segment_bytes", "segmint_bytes")
    fresh.gateway.config.write_text(text, encoding="utf-8")
    with pytest.raises(Failed) as failed:
        check(fresh.gateway)
    assert "wase" in failed.value.stderr and "segmint_bytes" in failed.value.stderr


def test_a_configuration_that_is_not_there_is_named(tmp_path):
    with pytest.raises(Failed) as failed:
        run(SLUISD, "-c", tmp_path / "nowhere.yaml")
    assert "nowhere.yaml" in failed.value.stderr


@pytest.mark.parametrize("text", ["", "\0", "sluis: [", "\xff", "{}", "- 1", "sluis: 1\n---\nsluis: 1"])
def test_something_else_than_a_configuration_is_refused(fresh, text):
    fresh.gateway.config.write_bytes(text.encode("latin-1"))
    with pytest.raises(Failed) as failed:
        check(fresh.gateway)
    assert "sluis.yaml" in failed.value.stderr


def test_a_token_is_new_each_time_and_its_hash_is_all_that_is_kept(fresh):
    import base64
    import hashlib
    import json
    made = [json.loads(fresh.gateway.sluis("partner", "token", "--json").stdout) for _ in range(2)]
    assert made[0]["token"] != made[1]["token"]
    assert re.fullmatch(r"sluis_[A-Za-z0-9_-]{43}", made[0]["token"])
    digest = hashlib.sha256(made[0]["token"].encode()).digest()
    assert made[0]["hash"].removeprefix("sha256:") in (
        digest.hex(), base64.b64encode(digest).decode(),
        base64.urlsafe_b64encode(digest).rstrip(b"=").decode())
