"""Topics and filters, compared level by level without recursion (MQTT 5, section 4.7)."""


def matches(pattern: str, topic: str) -> bool:
    """Say whether *topic* is among those that the filter *pattern* asks for."""
    wanted, given = pattern.split("/"), topic.split("/")
    if topic.startswith("$") and wanted[0] in {"+", "#"}:
        return False
    for position, level in enumerate(wanted):
        if level == "#":
            return True
        if position >= len(given) or level not in {"+", given[position]}:
            return False
    return len(wanted) == len(given)


def is_topic(text: str) -> bool:
    """Say whether one may publish to *text*: no wildcard, empty level or control character."""
    levels = text.split("/")
    return (
        all(level and not {"+", "#"} & set(level) for level in levels)
        and text.isprintable()
        and len(text.encode(errors="replace")) <= 0xFFFF  # noqa: PLR2004 - a string's length has 16 bits
    )
