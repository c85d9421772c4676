"""What all orders have in common."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from monitor.kit.text import clean

Words = Annotated[str, Field(max_length=1000), AfterValidator(clean)]


class Order(BaseModel):
    """An order; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")
