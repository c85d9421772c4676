"""What the daemons of different vantages tell each other over MQTT, and how nothing of it is lost."""
