"""The settings of the daemon: file, environment, systemd credentials."""
