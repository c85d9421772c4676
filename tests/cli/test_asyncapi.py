"""asyncapi: the verb prints the contract of MQTT."""

import json

import pytest
import yaml

from monitor.cli import main


def test_it_prints_the_document_for_the_root_that_is_asked_for(capsys):
    code = main(["asyncapi", "--root", "shiyan/test"])
    addresses = [c["address"] for c in yaml.safe_load(capsys.readouterr().out)["channels"].values()]

    assert code == 0
    assert "shiyan/test/status/{center}" in addresses


def test_it_prints_the_schema_of_one_payload(capsys):
    code = main(["asyncapi", "--schema", "link"])
    schema = json.loads(capsys.readouterr().out)

    assert code == 0
    assert "active" in schema["required"]


def test_an_unknown_payload_is_refused_with_those_there_are(capsys):
    with pytest.raises(SystemExit):
        main(["asyncapi", "--schema", "linq"])

    assert "link" in capsys.readouterr().err
