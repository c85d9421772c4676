"""The lab's city as an inventory file, in the daemon's own format, with the topology's addresses."""

from typing import Any

import yaml

from tests.lab.topology import ANCHORS, CENTERS, COUNTIES, DEVICES, DUCT, NETWORKS, STRANGER, subnet, wires

NAMES = {"city": "市网", "province": "省网"}
PROFILES = {"server": "command-server", "video": "video-terminal", "siren": "siren-controller"}


def inventory(*, device_period: float | None = None) -> str:
    """Return the inventory as YAML; devices are looked at in their profiles' rhythm unless told otherwise."""
    city: dict[str, Any] = {
        "city": {"zh": "十堰市", "en": "Shiyan"},
        "networks": {
            name: {"name": {"zh": NAMES[name], "en": f"{name} network"}, "anchor": ANCHORS[name]}
            for name in NETWORKS
        },
        "carriers": {
            "telecom": {"name": {"zh": "中国电信", "en": "China Telecom"}, "hotline": "0719-555-0101"}
        },
        "risks": {
            "valley-road": {
                "kind": "duct",
                "name": {"zh": "堵河沿线管道", "en": "Du river road duct"},
                "members": list(DUCT),
            }
        },
        "centers": {center: _center(center, name) for center, name in CENTERS.items()},
        "vantages": {
            "city": {"name": {"zh": "市中心", "en": "city"}, "networks": list(NETWORKS)},
            "province": {"name": {"zh": "省中心", "en": "province"}, "networks": ["province"]},
            **{center: {"center": center} for center in (*COUNTIES, STRANGER)},
        },
    }
    if device_period is not None:
        city["looks"] = {"device": {"period": device_period}}
    return yaml.safe_dump(city, allow_unicode=True, sort_keys=False)


def _center(center: str, name: str) -> dict[str, Any]:
    links: dict[str, Any] = {network: {} for network in NETWORKS}
    for wire in wires(center):
        links[wire.network][wire.role] = {
            "carrier": "telecom",
            "number": wire.id,
            "near": wire.near,
            "far": wire.far,
            "source": wire.near,
        }
    devices = {
        key: {"profile": PROFILES[key], "address": f"{subnet(center)}.{last}"}
        for key, (last, _) in DEVICES.items()
    }
    return {
        "name": {"zh": name, "en": center.capitalize()},
        "level": "county",
        "links": links,
        "devices": devices,
    }
