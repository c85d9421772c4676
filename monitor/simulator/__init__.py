"""A simulated city on loopback, for the demo, for drills and for tests: no root, no servers.

It stands in for the field, not for the daemon: what is declared is answered for, on addresses of
127.0.0.0/8, by the kernel's own UDP and TCP; a fault is real silence. It is given the inventory and the
probe kinds, and hands back the inventory of what it answers for.
"""
