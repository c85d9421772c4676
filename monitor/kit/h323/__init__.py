"""H.323 as far as it takes to ask whether a gatekeeper or a terminal is alive.

Only what H.225.0 wants to be sent and answered is written here by hand; the tests hold every message against
a compiler of the standard's own ASN.1.
"""
