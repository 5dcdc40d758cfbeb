"""The manifest as text, and its seal."""

import hashlib
import json

from sim.files.folder import json_text, sealed


def test_a_sealed_manifest_is_written_as_one_text():
    content = {
        "b": {"x": [1, 2.5, None, {"y": "line\nline"}], "é": {}},
        "a": [],
        "10": True,
        "2": "",
    }
    text = sealed(content)
    assert text == json_text(json.loads(text))
    rest = {key: value for key, value in json.loads(text).items() if key != "seal"}
    assert json.loads(text)["seal"] == hashlib.sha256(json_text(rest).encode()).hexdigest()
