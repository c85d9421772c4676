"""mqtt topics: filters are compared level by level, however deep and however odd."""

import pytest

from monitor.kit.mqtt import is_topic, matches


@pytest.mark.parametrize(
    ("pattern", "topic", "expected"),
    [
        pytest.param("a/b", "a/b", True, id="the-same"),
        pytest.param("a/b", "a/b/c", False, id="deeper"),
        pytest.param("a/b/c", "a/b", False, id="less-deep"),
        pytest.param("a/+/c", "a/x/c", True, id="one-level"),
        pytest.param("a/+", "a/", True, id="an-empty-level"),
        pytest.param("a/+", "a", False, id="no-level"),
        pytest.param("+", "a/b", False, id="only-one-level"),
        pytest.param("a/#", "a", True, id="the-parent-too"),
        pytest.param("a/#", "a/b/c", True, id="all-below"),
        pytest.param("a/#", "ab", False, id="not-a-longer-name"),
        pytest.param("#", "a/b", True, id="everything"),
        pytest.param("#", "$SYS/uptime", False, id="not-the-broker's-own"),
        pytest.param("+/uptime", "$SYS/uptime", False, id="nor-with-a-plus"),
        pytest.param("$SYS/#", "$SYS/uptime", True, id="unless-named"),
        pytest.param("a/.*", "a/b", False, id="no-regular-expression"),
    ],
)
def test_a_filter_matches(pattern, topic, expected):
    assert matches(pattern, topic) is expected


def test_two_thousand_levels_are_no_trouble():
    deep = "/".join(["a"] * 2000)

    assert matches(deep, deep)
    assert matches("/".join(["+"] * 2000), deep)
    assert not matches(deep + "/b", deep)


@pytest.mark.parametrize("text", ["a", "a/b-c/d_e", "status/丹江口"])
def test_one_may_publish_to(text):
    assert is_topic(text)


@pytest.mark.parametrize("text", ["", "/a", "a/", "a//b", "a/+", "#", "a/b#", "a\n", "a\0b", "a" * 70_000])
def test_one_may_not_publish_to(text):
    assert not is_topic(text)
