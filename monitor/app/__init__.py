"""The composition root: the only place that knows everything, and ties it together."""

from monitor.app.daemon import HAND_OVER, App, signals

__all__ = ["HAND_OVER", "App", "signals"]
