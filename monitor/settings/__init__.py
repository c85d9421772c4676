"""The settings of the daemon: one YAML file, what the environment says on top, secrets as files.

`COMMAND_MONITOR__MQTT__HOST=broker` sets `mqtt.host`. A secret is never a value here: it is a file named in
the settings, or a systemd credential. Unknown keys are refused, in the file and in the environment.
"""

from monitor.settings.channels import open_channels
from monitor.settings.loading import load_declared, load_settings
from monitor.settings.model import Settings
from monitor.settings.people import load_people

__all__ = ["Settings", "load_declared", "load_people", "load_settings", "open_channels"]
