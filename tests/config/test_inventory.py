"""inventory: what a file declares becomes the core's values, complete and parsed."""

from datetime import UTC, datetime, time

import pytest

from monitor.config import load_inventory
from monitor.core.inventory import Bearer, Contact, Level, Name, Risk, RiskKind, Role
from monitor.core.planned import Once, Weekly, Window
from monitor.errors import ConfigError

HEAD = "city: {zh: 十堰市, en: Shiyan}\n"


@pytest.fixture
def load(tmp_path, kinds):
    """Load an inventory from its text, with profiles by name."""

    def loaded(text, **profiles):
        (tmp_path / "profiles").mkdir(exist_ok=True)
        for name, profile in profiles.items():
            (tmp_path / "profiles" / f"{name}.yaml").write_text(profile, encoding="utf-8")
        path = tmp_path / "inventory.yaml"
        path.write_text(HEAD + text, encoding="utf-8")
        return load_inventory(path, kinds)

    return loaded


def test_little_is_enough(load):
    inventory = load("networks: {city: }\ncenters: {maojian: {links: {city: {primary: {near: 10.42.1.2}}}}}")
    circuit = inventory.circuits["maojian/city/primary"]

    assert (circuit.bearer, circuit.far, circuit.far_look) == (Bearer.FIBRE, None, None)
    assert (circuit.near_look.name, circuit.near_look.period, circuit.near_look.deadline) == (
        "icmp",
        1.0,
        1.0,
    )
    assert circuit.near_look.options.host == "10.42.1.2"
    assert inventory.centers["maojian"].name == Name("maojian", "maojian")
    assert inventory.networks["city"].look is None


def test_without_vantages_there_is_one_that_sees_all_networks(load):
    inventory = load("networks: {city: , province: }\ncenters: {maojian: }")

    assert {v.id: v.networks for v in inventory.vantages.values()} == {"city": ("city", "province")}


def test_a_vantage_in_a_center_sees_that_center_alone_unless_told_otherwise(load):
    inventory = load("""
networks: {city: , province: }
centers: {maojian: }
vantages: {maojian: {center: maojian}, both: {center: maojian, networks: [city]}, province: }
""")

    assert inventory.vantages["maojian"].networks == ()
    assert inventory.vantages["both"].networks == ("city",)
    assert inventory.vantages["province"].networks == ("city", "province")


def test_a_center_is_its_template_with_its_own_words_on_top(load):
    inventory = load("""
networks: {city: , province: }
carriers: {telecom: , mobile: }
templates:
  county:
    level: county
    contacts: [{name: desk, phone: 07195550100}]
    links:
      city:
        primary: {carrier: telecom, number: "SY-{n}-A", near: "10.42.{n}.2", bearer: fibre}
        backup: {carrier: mobile, near: "10.42.{n}.6", bearer: mobile}
      province:
        primary: {near: "10.42.{n}.10"}
  zone: {template: county, level: zone, variables: {n: 7}}
centers:
  maojian: {template: county, variables: {n: 1}, links: {city: {primary: {carrier: mobile}, backup: ~}}}
  wudangshan: {template: zone, links: {province: ~}}
""")
    maojian, zone = inventory.centers["maojian"], inventory.centers["wudangshan"]

    assert [c.id for c in maojian.circuits()] == ["maojian/city/primary", "maojian/province/primary"]
    first = next(maojian.circuits())
    assert (first.carrier, first.number, first.near, first.role) == (
        "mobile",
        "SY-1-A",
        "10.42.1.2",
        Role.PRIMARY,
    )
    assert maojian.contacts == (Contact("desk", "07195550100"),)
    assert (zone.level, [c.near for c in zone.circuits()]) == (Level.ZONE, ["10.42.7.2", "10.42.7.6"])


def test_the_center_itself_looks_at_the_far_end_pinned_to_the_circuit(load):
    circuit = load("""
networks: {city: }
centers:
  maojian:
    links:
      city:
        primary: {near: 10.42.1.2, far: 10.42.1.1, source: 10.42.1.9, interface: wan0}
""").circuits["maojian/city/primary"]

    far, near = circuit.far_look.options, circuit.near_look.options
    assert (far.host, far.source, far.interface) == ("10.42.1.1", "10.42.1.9", "wan0")
    assert (near.host, near.source, near.interface) == ("10.42.1.2", None, None)


def test_circuits_and_anchors_can_be_looked_at_in_another_way(load):
    inventory = load("""
networks: {city: {anchor: 10.42.0.1}}
looks:
  circuit: {kind: knock, port: 7007, period: 0.5}
  anchor: {period: 5, deadline: 2}
centers:
  maojian:
    links:
      city:
        primary: {near: 10.42.1.2, look: {period: 2, deadline: 2}}
        backup: {near: 10.42.1.6, look: {kind: icmp}}
""")
    primary = inventory.circuits["maojian/city/primary"].near_look
    backup = inventory.circuits["maojian/city/backup"].near_look
    anchor = inventory.networks["city"].look

    assert (primary.kind, primary.options.port, primary.period, primary.deadline) == ("knock", 7007, 2.0, 2.0)
    assert (backup.kind, backup.period, backup.deadline) == ("icmp", 0.5, 0.5)
    assert (anchor.kind, anchor.period, anchor.deadline) == ("icmp", 5.0, 2.0)


PAGE = """
name: {zh: 服务器, en: Server}
variables: {port: 80, path: /}
looks:
  ping: {kind: icmp, means: {zh: 断了, en: It is gone}}
  page: {kind: page, url: "http://{address}:{port}{path}", period: 60, deadline: 10}
"""


def test_a_device_is_looked_at_as_its_profile_says(load):
    device = load(
        "networks: {city: }\n"
        "centers: {maojian: {devices: {web: "
        "{profile: server, address: 10.42.1.3, variables: {port: 8080}}}}}",
        server=PAGE,
    ).devices["maojian/web"]
    ping, page = device.looks

    assert device.name == Name("服务器", "Server")
    assert (ping.name, ping.period, ping.deadline, ping.means) == (
        "ping",
        10.0,
        5.0,
        Name("断了", "It is gone"),
    )
    assert (page.options.url, page.period, page.deadline) == ("http://10.42.1.3:8080/", 60.0, 10.0)


def test_a_device_can_change_add_and_leave_out_looks(load):
    inventory = load(
        """
networks: {city: }
looks: {device: {period: 20}}
centers:
  maojian:
    variables: {n: 1}
    devices:
      web:
        profile: server
        address: 10.42.1.33
        looks:
          ping: ~
          page: {period: 5, deadline: 1}
          door: {kind: knock, port: "{port}", send: "{n} {id}"}
""",
        server=PAGE,
    )
    looks = {look.name: look for look in inventory.devices["maojian/web"].looks}

    assert list(looks) == ["page", "door"]
    assert (looks["page"].period, looks["page"].options.url) == (5.0, "http://10.42.1.33:80/")
    assert (looks["door"].period, looks["door"].options.port) == (20.0, 80)
    assert looks["door"].options.send == "1 maojian"


def test_a_device_needs_no_profile(load):
    device = load("""
networks: {city: }
centers: {maojian: {devices: {door: {address: door.example, looks: {knock: {kind: knock}}}}}}
""").devices["maojian/door"]

    assert [(look.kind, look.options.host) for look in device.looks] == [("knock", "door.example")]


def test_an_ipv6_address_gets_its_brackets_in_a_url_only(load):
    device = load(
        "networks: {city: }\n"
        'centers: {maojian: {devices: {web: {profile: server, address: "2001:DB8::33"}}}}',
        server=PAGE,
    ).devices["maojian/web"]
    ping, page = device.looks

    assert (ping.options.host, page.options.url) == ("2001:db8::33", "http://[2001:db8::33]:80/")


def test_a_shared_address_may_stand_twice(load):
    inventory = load("""
networks: {city: }
centers:
  maojian:
    links: {city: {primary: {near: 10.42.1.2}}}
    devices: {router: {address: 10.42.1.2, shared: true}}
""")

    assert inventory.devices["maojian/router"].address == "10.42.1.2"


def test_braces_that_are_no_variables_are_left_alone(load):
    device = load(r"""
networks: {city: }
centers:
  maojian:
    devices:
      door: {address: 10.42.1.2, looks: {knock: {kind: knock, send: '{"a": {{id}}} \d{3} {id}'}}}
""").devices["maojian/door"]

    assert device.looks[0].options.send == r'{"a": {id}} \d{3} maojian'


def test_ten_thousand_devices_are_loaded(load):
    devices = "\n".join(
        f"      d{n}: {{profile: server, address: 10.{n // 250}.7.{n % 250 + 1}}}" for n in range(10_000)
    )

    inventory = load(f"networks: {{city: }}\ncenters:\n  maojian:\n    devices:\n{devices}\n", server=PAGE)

    assert len(inventory.devices) == 10_000


def test_a_profile_beside_the_inventory_wins_over_the_shipped_one(load):
    device = load(
        "networks: {city: }\ncenters: {maojian: {devices: {x: {profile: host, address: 10.42.1.2}}}}",
        host="looks: {door: {kind: knock}}",
    ).devices["maojian/x"]

    assert [look.name for look in device.looks] == ["door"]


def test_nothing_of_the_file_reaches_the_core(load):
    inventory = load("networks: {city: }\ncenters: {maojian: {links: {city: {primary: {near: 10.42.1.2}}}}}")

    assert not any(
        "config" in type(value).__module__ for value in (*inventory.centers.values(), inventory.city)
    )


def test_what_circuits_share_is_declared_by_their_paths(load):
    inventory = load("""
networks: {city: }
centers:
  maojian: {links: {city: {primary: {near: 10.42.1.2}, backup: {near: 10.42.1.6}}}}
risks:
  bridge: {name: {zh: 大桥管道, en: bridge}, members: [maojian/city/primary, maojian/city/backup]}
  street: {kind: feed, members: [maojian, maojian/city/backup], per_year: 2}
""")

    assert inventory.risks == {
        "bridge": Risk(
            "bridge",
            RiskKind.DUCT,
            Name("大桥管道", "bridge"),
            ("maojian/city/primary", "maojian/city/backup"),
        ),
        "street": Risk(
            "street", RiskKind.FEED, Name("street", "street"), ("maojian", "maojian/city/backup"), 2.0
        ),
    }


def test_planned_work_is_declared_once_or_weekly_and_its_times_are_the_citys_own(load):
    inventory = load("""
variables: {office: 通信科}
networks: {city: }
risks: {bridge: {members: [maojian, fang]}}
centers:
  maojian: {links: {city: {primary: {near: 10.42.1.2}}}}
  fang: {}
planned:
  cable:
    what: [maojian/city, risk/bridge, network/city, vantage/city, fang/power]
    from: 2026-11-24 22:00
    to: 2026-11-25T04:00:30
    document: 12
    who: "{office}"
  abroad: {what: fang, from: 2026-11-24 22:00Z, to: 2026-11-25 04:00Z}
  test: {what: maojian/city/primary, weekly: {days: [thu, tue], at: 02:30, minutes: 90}, note: 倒换试验}
""")
    cable, test = inventory.planned["cable"], inventory.planned["test"]

    assert cable == Window(
        "cable",
        ("maojian/city", "risk/bridge", "network/city", "vantage/city", "fang/power"),
        Once(datetime(2026, 11, 24, 22, 0), datetime(2026, 11, 25, 4, 0, 30)),  # noqa: DTZ001 - the city's own
        document="12",
        who="通信科",
    )
    assert test == Window(
        "test", ("maojian/city/primary",), Weekly(frozenset({1, 3}), time(2, 30), 90.0), note="倒换试验"
    )
    assert inventory.planned["abroad"].when.begin == datetime(2026, 11, 24, 22, 0, tzinfo=UTC)


ABOUT = """
networks: {city: }
centers:
  dan:
    links: {city: {primary: {near: 10.42.1.2}}}
    devices: {router: {address: 10.42.1.1, looks: {uplink: {kind: icmp, about: %s}}}}
"""


def test_a_look_may_tell_of_a_circuit_of_its_center(load):
    (look,) = load(ABOUT % "city/primary").devices["dan/router"].looks

    assert look.about == "dan/city/primary"


def test_a_look_tells_of_no_circuit_that_is_not_there(load):
    with pytest.raises(
        ConfigError, match=r"looks.uplink.about: found 'city/backup', expected .*city/primary"
    ):
        load(ABOUT % "city/backup")
