"""What JSON can hold: the facts that events, orders and the API give."""

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]
