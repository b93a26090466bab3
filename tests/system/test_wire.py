"""The Python codec against the protocol's vectors; so what the other tests say is a second opinion."""

import json
import pathlib

import pytest

import wire
from server import SOLEC, run

VECTORS = pathlib.Path(__file__).parent.parent / "vectors" / "vectors.json"
CASES = json.loads(VECTORS.read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_codec_agrees_with_vector(case):
    data = bytes.fromhex(case["hex"])
    if case.get("error"):
        with pytest.raises(wire.Malformed):
            wire.take_frame(data)
        return
    frame, size = wire.take_frame(data)
    assert size == len(data)
    fields = {name: value.hex() if isinstance(value, bytes) else value
              for name, value in frame.items()}
    assert fields == case["fields"]
    if case["encode"]:
        assert wire.encode(frame.name, **frame) == data


def test_solec_decode_agrees_with_every_vector():
    whole = [case for case in CASES if not case.get("error")]
    answer = run(SOLEC, "decode", "--json", *[case["hex"] for case in whole])
    assert answer.returncode == 0, answer.stderr
    lines = [json.loads(line) for line in answer.stdout.splitlines()]
    assert len(lines) == len(whole)
    for case, line in zip(whole, lines):
        text = json.dumps(line)
        for name, value in case["fields"].items():
            assert json.dumps(value) in text, f"{case['name']}: {name} is not in {text}"


@pytest.mark.parametrize("case", [case for case in CASES if case.get("error")],
                         ids=lambda case: case["name"])
def test_solec_decode_says_what_is_malformed(case):
    answer = run(SOLEC, "decode", case["hex"])
    assert "malformed" in (answer.stdout + answer.stderr).lower()
