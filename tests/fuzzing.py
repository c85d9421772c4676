"""Fuzzing of parsers: five hundred cases in every run, ten thousand in the long one, the same every time."""

import pytest
from hypothesis import given, settings

LONG = [pytest.mark.long, pytest.mark.timeout(600)]
thoroughly = pytest.mark.parametrize("cases", [500, pytest.param(10_000, marks=LONG)])


def fuzz(cases, promise, *hostile):
    """Hold *promise* to so many cases of what the strategies *hostile* make up."""
    settings(max_examples=cases, deadline=None, derandomize=True)(given(*hostile)(promise))()
