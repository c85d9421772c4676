"""The HTTP side: metrics, health and the API, read from the world and never written to it."""
