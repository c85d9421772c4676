"""shipped: the city of Shiyan, the smallest inventory, profiles, settings and schemas are all in order."""

import json

import jsonschema
import pytest

from monitor.cli.schema import FILES, schema
from monitor.config import load_inventory, load_profile, shipped
from monitor.config.document import read
from monitor.core.checks import checks_of
from monitor.core.inventory import Level, Role
from monitor.probes import load_kinds

KINDS = load_kinds()
PROFILES = sorted((shipped() / "profiles").glob("*.yaml"))
EXAMPLES = {
    "inventory": [shipped() / "shiyan.yaml", shipped() / "minimal.yaml"],
    "profile": PROFILES,
    "roster": [shipped() / "roster.yaml"],
    "settings": [shipped() / "settings.yaml"],
}


@pytest.fixture(scope="module")
def shiyan():
    return load_inventory(shipped() / "shiyan.yaml", KINDS)


def test_shiyan_has_its_ten_centers_and_the_municipal_one(shiyan):
    levels = [center.level for center in shiyan.centers.values()]

    assert (len(levels), levels.count(Level.MUNICIPAL)) == (11, 1)


def test_each_center_has_a_primary_and_a_backup_of_different_carriers_to_city_and_province(shiyan):
    for center in shiyan.centers.values():
        if center.level is not Level.MUNICIPAL:
            assert {link.network for link in center.links} == {"city", "province"}
        for link in center.links:
            assert [circuit.role for circuit in link.circuits] == [Role.PRIMARY, Role.BACKUP]
            assert len({circuit.carrier for circuit in link.circuits}) == 2


def test_every_circuit_can_be_looked_at_from_both_ends(shiyan):
    assert all(c.near_look and c.far_look and c.source for c in shiyan.circuits.values())


def test_every_place_where_a_daemon_runs_has_something_to_look_at(shiyan):
    counts = {key: len(checks_of(shiyan, vantage)) for key, vantage in shiyan.vantages.items()}

    assert set(counts) == {"city", "province", "danjiangkou", "yunyang", "wudangshan"}
    assert min(counts.values()) > 10


def test_every_shipped_profile_stands_in_the_city_but_those_that_need_secrets_or_nothing(shiyan):
    used = {device.profile for device in shiyan.devices.values()}

    others = {"hf-radio", "satellite-phone"}
    others |= {
        "host",
        "linux-snmp",
        "router-cisco-snmp",
        "router-h3c-snmp",
        "router-huawei-snmp",
        "ups-nut",
        "ups-snmp",
    }
    assert {path.stem for path in PROFILES} - used == others


def test_the_smallest_inventory_has_ten_lines():
    path = shipped() / "minimal.yaml"

    assert load_inventory(path, KINDS).circuits
    assert len(path.read_text(encoding="utf-8").splitlines()) == 10


@pytest.mark.parametrize("path", PROFILES, ids=[path.stem for path in PROFILES])
def test_every_profile_says_in_both_languages_what_a_failure_means(path):
    profile = load_profile(path, KINDS).file

    assert profile.name.zh
    assert profile.name.en
    assert all(look.means and look.means.zh and look.means.en for look in profile.looks.values())


@pytest.mark.parametrize("file", FILES)
def test_the_schemas_for_editors_are_current(file):
    written = (shipped() / "schema" / f"{file}.json").read_text(encoding="utf-8")

    assert schema(file, KINDS) == written, f"run: command-monitor schema {file} > config/schema/{file}.json"


@pytest.mark.parametrize("file", FILES)
def test_the_schemas_accept_what_is_shipped(file):
    validator = jsonschema.Draft202012Validator(json.loads(schema(file, KINDS)))
    mistakes = [
        error.message for path in EXAMPLES[file] for error in validator.iter_errors(read(path).plain())
    ]

    assert mistakes == []


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        pytest.param("circuit: {kind: tcp, port: 22}", True, id="options-of-the-kind"),
        pytest.param("circuit: {kind: tcp, prot: 22}", False, id="a-misspelt-option"),
        pytest.param('circuit: {kind: tcp, port: "{port}"}', True, id="a-variable"),
        pytest.param("circuit: {kind: tcp}", False, id="an-option-left-out"),
        pytest.param("circuit: {kind: tpc}", False, id="an-unknown-kind"),
        pytest.param("circuit:", True, id="nothing-at-all"),
        pytest.param("circit: {}", False, id="an-unknown-key"),
    ],
)
def test_the_schema_knows_the_options_of_every_kind(tmp_path, text, valid):
    path = tmp_path / "inventory.yaml"
    path.write_text(f"city: S\nnetworks: {{city: }}\ncenters: {{a: }}\nlooks:\n  {text}\n", encoding="utf-8")
    validator = jsonschema.Draft202012Validator(json.loads(schema("inventory", KINDS)))

    assert validator.is_valid(read(path).plain()) is valid


def test_no_option_of_a_kind_is_called_like_a_key_of_a_look():
    own = {"period", "deadline", "means", "kind"}

    assert not [name for name, kind in KINDS.items() if own & set(kind.options.model_fields)]
