"""steady: a clock that no setting of the system's clock moves."""

from monitor.kit.steady import steady


def test_setting_the_systems_clock_moves_nothing():
    wall, monotonic = [1000.0], [5.0]
    clock = steady(lambda: wall[0], lambda: monotonic[0])
    wall[0] += 3600.0
    monotonic[0] += 2.5

    assert clock() == 1002.5
