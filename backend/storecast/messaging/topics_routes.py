"""The API of topics."""

from typing import Annotated

from fastapi import APIRouter, Path

from storecast.messaging import models, topics
from storecast.messaging.topics_schemas import NewTopic, TopicChanges, TopicRow, Topics
from storecast.shops.access import CurrentPrincipal, Permission, TenantDb, require

router = APIRouter(prefix="/topics", tags=["sending"])


@router.get("", dependencies=[require(Permission.READ)])
def list_message_topics(db: TenantDb, principal: CurrentPrincipal) -> Topics:
    """What recipients may choose to hear about, by name."""
    return Topics(topics=[_shown(each) for each in topics.list_all(db, principal.shop_id)])


@router.post("", status_code=201, dependencies=[require(Permission.EDIT)])
def add_message_topic(body: NewTopic, db: TenantDb, principal: CurrentPrincipal) -> TopicRow:
    """Add a topic; everybody hears about it until they say otherwise."""
    return _shown(topics.add(db, principal.shop_id, body, actor=principal.actor))


@router.patch("/{topic_id}", dependencies=[require(Permission.EDIT)])
def change_message_topic(
    topic_id: Annotated[str, Path(max_length=64)],
    body: TopicChanges,
    db: TenantDb,
    principal: CurrentPrincipal,
) -> TopicRow:
    """Rename, describe, archive or bring back a topic."""
    return _shown(topics.change(db, principal.shop_id, topic_id, body, actor=principal.actor))


def _shown(topic: models.Topic) -> TopicRow:
    return TopicRow(
        id=topic.public_id, name=topic.name, description=topic.description, archived=topic.archived
    )
