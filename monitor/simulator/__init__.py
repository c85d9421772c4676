"""A simulated city on loopback, for the demo, for drills and for tests: no root, no servers."""
