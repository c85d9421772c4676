"""Places to tell: one module each, strangers to each other.

An output reads its own feed, never writes the world, and cannot hurt another output or a probe.
"""
