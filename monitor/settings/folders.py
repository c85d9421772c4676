"""Paths in settings: relative ones start at the folder of the settings file."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

Model = TypeVar("Model", bound=BaseModel)


def absolute(model: Model, folder: Path) -> Model:
    """Return *model* with every relative path in it starting at *folder*."""
    update: dict[str, object] = {}
    for key in type(model).model_fields:
        value = getattr(model, key)
        if isinstance(value, Path):
            update[key] = folder / value
        elif isinstance(value, BaseModel):
            update[key] = absolute(value, folder)
        elif isinstance(value, dict):
            update[key] = {
                name: absolute(one, folder) if isinstance(one, BaseModel) else one
                for name, one in value.items()
            }
    return model.model_copy(update=update)
