"""What people call a component, Chinese first."""

from monitor.core.inventory import Center, Circuit, Device, Inventory, Look, Name, Role, Vantage

ROLES = {Role.PRIMARY: Name("主用", "primary"), Role.BACKUP: Name("备用", "backup")}
PARTS = {
    "power": Name("供电", "power"),
    "lan": Name("局域网", "LAN"),
    "router": Name("路由器", "router"),
    "management": Name("路由器管理地址", "router's own address"),
}
BROKER = Name("MQTT 服务器", "MQTT broker")


def of_part(center: Center, part: str) -> Name:
    """Name a center's power, LAN, router or its management address."""
    return _at(center, PARTS[part])


def of_circuit(center: Center, circuit: Circuit, inventory: Inventory) -> Name:
    """Name a circuit by both its ends and its role."""
    network, role = inventory.networks[circuit.network].name, ROLES[circuit.role]
    return Name(
        f"{center.name.zh}至{network.zh}{role.zh}电路", f"{center.name.en} to {network.en}, {role.en} circuit"
    )


def of_device(center: Center, device: Device) -> Name:
    """Name a device by where it is."""
    return _at(center, device.name)


def of_service(center: Center, device: Device, look: Look) -> Name:
    """Name one thing that a device offers by the look that tries it."""
    return _at(center, Name(f"{device.name.zh} {look.name} 服务", f"{device.name.en}, {look.name} service"))


def of_anchor(network: Name) -> Name:
    """Name the host that answers for a network."""
    return Name(f"{network.zh}应答主机", f"host that answers for the {network.en}")


def of_trunk(home: Name, other: Name) -> Name:
    """Name what joins two networks."""
    return Name(f"{home.zh}与{other.zh}间干线", f"trunk from {home.en} to {other.en}")


def of_uplink(vantage: Vantage) -> Name:
    """Name a vantage's own connection."""
    return Name(f"{vantage.name.zh}观测点本机接入", f"own uplink of the monitor at {vantage.name.en}")


def of_agent(vantage: Vantage) -> Name:
    """Name the daemon at a vantage."""
    return Name(f"{vantage.name.zh}观测程序", f"monitor at {vantage.name.en}")


def of_carrier(carrier: Name) -> Name:
    """Name what all circuits of a carrier have in common."""
    return Name(f"{carrier.zh}网络", f"{carrier.en}'s network")


def _at(center: Center, name: Name) -> Name:
    return Name(f"{center.name.zh}{name.zh}", f"{center.name.en}, {name.en}")
