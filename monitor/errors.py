"""Every error of ours, named by what its reader must do."""


class MonitorError(Exception):
    """Something of ours went wrong; the message says what to do about it."""


class ConfigError(MonitorError):
    """A file has to be mended; the message names file, line and key."""


class PeerError(MonitorError):
    """A peer (broker, daemon) cannot be used now; try again later."""
