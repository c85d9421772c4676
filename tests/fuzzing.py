"""Fuzzing of parsers: five hundred cases in every run, ten thousand in the long one, the same every time."""

import pytest
from hypothesis import given, settings

thoroughly = pytest.mark.parametrize("cases", [500, pytest.param(10_000, marks=pytest.mark.long)])


def fuzz(cases, promise, *hostile):
    """Hold *promise* to so many cases of what the strategies *hostile* make up."""
    settings(max_examples=cases, deadline=None, derandomize=True)(given(*hostile)(promise))()
