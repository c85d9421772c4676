"""How a UPS is, whoever told it, and what is to be said of that."""

from dataclasses import dataclass

from monitor.core.limits import Limit, judged
from monitor.core.observation import Finding, failed, poor
from monitor.probes.ups.options import Options

REASONS = {
    "on_battery": "the mains are out: it lives on its battery",
    "battery_low": "the battery is nearly empty; what it feeds is about to be without power",
    "output_off": "what it feeds gets no power",
    "overload": "more is drawn from it than it can give",
    "battery_bad": "the battery is to be replaced, says the UPS",
    "bypass": "what it feeds hangs on the mains directly: the battery would not help",
    "self_test": "its latest test of itself has failed or warned",
    "runtime": "on battery it would last less than `minutes`",
    "charge": "the battery holds less than `warn_charge`",
    "load": "more of its power is drawn than `warn_load`",
}
VALUES = {
    "charge": ("ratio", "how full the battery is"),
    "runtime": ("seconds", "how long the battery would last, as the UPS estimates it"),
    "load": ("ratio", "share of its power that is drawn"),
    "on_battery": ("seconds", "how long it has been on battery; of UPS-MIB alone"),
}
_MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Reading:
    """What a UPS tells of itself; None and False where it tells nothing."""

    on_battery: bool = False
    low: bool = False
    off: bool = False
    overload: bool = False
    replace: bool = False
    bypass: bool = False
    tested_badly: str = ""
    """What it says of its latest self-test, if that is not good."""
    charge: float | None = None
    runtime: float | None = None
    load: float | None = None
    seconds: float | None = None
    """How long it has been on battery."""

    def judged(self, options: Options) -> Finding:
        """Return the worst of it."""
        values = {
            "charge": self.charge,
            "runtime": self.runtime,
            "load": self.load,
            "on_battery": self.seconds,
        }
        told = {name: value for name, value in values.items() if value is not None}
        said = self._said()
        for reason, is_so in (
            ("output_off", self.off),
            ("battery_low", self.low),
            ("on_battery", self.on_battery),
            ("overload", self.overload),
        ):
            if is_so:
                return failed(reason, said, path_up=True, **told)
        if self.bypass or self.replace:
            return poor("bypass" if self.bypass else "battery_bad", said, **told)
        if self.tested_badly:
            return poor("self_test", f"its self-test says {self.tested_badly}", **told)
        return judged(self._limits(options), said, **told)

    def _limits(self, options: Options) -> list[Limit]:
        found = []
        if self.runtime is not None:
            left = self.runtime / _MINUTE
            found.append(Limit("runtime", "runtime", left, options.minutes, unit="min", low=True))
        if self.charge is not None:
            found.append(Limit("charge", "charge", self.charge, options.warn_charge, low=True))
        if self.load is not None:
            found.append(Limit("load", "load", self.load, options.warn_load))
        return found

    def _said(self) -> str:
        said = "on battery" if self.on_battery else "on mains"
        if self.charge is not None:
            said += f", charge {self.charge:.0%}"
        if self.runtime is not None:
            said += f", {self.runtime / _MINUTE:.0f} min left"
        return said
