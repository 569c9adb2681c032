"""API shapes of topics."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

_LINE = r"^[^\x00-\x1f\x7f]*$"
TopicName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60, pattern=_LINE)
]
TopicText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=_LINE)]


class NewTopic(BaseModel):
    """A topic as recipients read it."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "New arrivals", "description": "What has just come in."}]},
    )

    name: TopicName
    description: TopicText = ""


class TopicChanges(BaseModel):
    """Fields left out stay."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"archived": True}]})

    name: TopicName | None = None
    description: TopicText | None = None
    archived: bool | None = None


class TopicRow(BaseModel):
    """A topic; an archived one is asked for no more, and what people chose about it stays."""

    id: str
    name: str
    description: str
    archived: bool


class Topics(BaseModel):
    """The shop's topics by name."""

    topics: list[TopicRow]
