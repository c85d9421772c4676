"""The standard's own ASN.1 of H.225.0, compiled by pycrate: it reads what we write, writes what we read."""

from pycrate_asn1dir import H225

VERSION = (0, 0, 8, 2250, 0, 4)


class _Type:
    """One type of the standard, to and from aligned PER."""

    def __init__(self, compiled):
        self._compiled = compiled

    def read(self, data):
        self._compiled.from_aper(data)
        return self._compiled.get_val()

    def write(self, value):
        self._compiled.set_val(value)
        return self._compiled.to_aper()


RAS = _Type(H225.H323_MESSAGES.RasMessage)
USER = _Type(H225.H323_MESSAGES.H323_UserInformation)


def confirm(number, gatekeeper=None, address=("ipAddress", {"ip": b"\x0a\1\2\3", "port": 1719}), **more):
    told = {"requestSeqNum": number, "protocolIdentifier": VERSION, "rasAddress": address, **more}
    if gatekeeper is not None:
        told["gatekeeperIdentifier"] = gatekeeper
    return RAS.write(("gatekeeperConfirm", told))


def reject(number, reason, **more):
    told = {"requestSeqNum": number, "protocolIdentifier": VERSION, "rejectReason": (reason, 0), **more}
    return RAS.write(("gatekeeperReject", told))


def user(message, **told):
    body = (message, {"protocolIdentifier": VERSION, **told})
    return USER.write({"h323-uu-pdu": {"h323-message-body": body}})


def released(reason, call=bytes(16)):
    return user("releaseComplete", reason=(reason, 0), callIdentifier={"guid": call})
