"""What people may choose to hear about: a shop's topics. One that is archived is asked for no more."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from storecast.audit import service as audit
from storecast.kit.ids import public_id
from storecast.kit.types import ShopId
from storecast.messaging import topics_repository as repository
from storecast.messaging.errors import TooManyTopics, TopicNameTaken, TopicUnknown
from storecast.messaging.models import Topic
from storecast.messaging.topics_schemas import NewTopic, TopicChanges

MAX_TOPICS = 20
"""More than anybody reads through on a phone."""


def list_all(session: Session, shop_id: ShopId) -> Sequence[Topic]:
    """Every topic by name, archived ones too."""
    return repository.list_all(session, shop_id)


def get(session: Session, shop_id: ShopId, topic_id: str) -> Topic:
    """The topic; raises TopicUnknown."""
    topic = repository.find(session, shop_id, topic_id)
    if topic is None:
        raise TopicUnknown
    return topic


def find_public_id(session: Session, shop_id: ShopId, topic_id: int | None) -> str | None:
    """How a topic is called outside."""
    if topic_id is None:
        return None
    return session.scalar(select(Topic.public_id).where(Topic.shop_id == shop_id, Topic.id == topic_id))


def add(session: Session, shop_id: ShopId, given: NewTopic, *, actor: str) -> Topic:
    """A new topic, which everybody hears about until they say otherwise."""
    if len(repository.list_all(session, shop_id)) >= MAX_TOPICS:
        raise TooManyTopics(limit=MAX_TOPICS)
    _refuse_taken(session, shop_id, given.name, None)
    topic = Topic(shop_id=shop_id, public_id=public_id("top"), name=given.name, description=given.description)
    repository.add(session, topic)
    audit.record(session, shop_id, actor, "topic_added", topic.public_id, name=topic.name)
    return topic


def change(session: Session, shop_id: ShopId, topic_id: str, given: TopicChanges, *, actor: str) -> Topic:
    """Rename, describe, archive, or bring back."""
    topic = get(session, shop_id, topic_id)
    values = given.model_dump(exclude_none=True)
    if "name" in values:
        _refuse_taken(session, shop_id, values["name"], topic)
    for field, value in values.items():
        setattr(topic, field, value)
    session.flush()
    audit.record(session, shop_id, actor, "topic_changed", topic.public_id, **values)
    return topic


def _refuse_taken(session: Session, shop_id: ShopId, name: str, own: Topic | None) -> None:
    found = repository.find_by_name(session, shop_id, name)
    if found is not None and found is not own:
        raise TopicNameTaken
