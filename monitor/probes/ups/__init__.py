"""Asks a UPS, over SNMP or through a NUT server, whether it is on mains and would last as promised."""

from monitor.core.observation import Finding, failed, unknown
from monitor.kit import mishap
from monitor.kit import snmp as kit
from monitor.kit.mishap import Mishap
from monitor.probes.ups import mib, nut, reading
from monitor.probes.ups.options import Options

REASONS = {
    **reading.REASONS,
    **mib.REASONS,
    **nut.REASONS,
    **kit.REASONS,
    **mishap.PEERS,
    **kit.OURS,
    **mishap.OURS,
}

VALUES = {
    "rtt": ("seconds", "round trip, as the kernel measured it"),
    **reading.VALUES,
}

__all__ = ["REASONS", "VALUES", "Options", "probe"]


async def probe(options: Options) -> Finding:
    """Ask once."""
    if options.nut is not None:
        return await nut.look(options)
    rtt, result = await kit.converse(options, mib.Card(options))
    if isinstance(result, Finding):
        return result._replace(values={"rtt": rtt, **result.values})
    if not isinstance(result, Mishap):
        return unknown("local_error", "the conversation returned nothing")
    if result.ours:
        return unknown(result.reason, result.text)
    return failed(result.reason, result.text, path_up=result.answered)
