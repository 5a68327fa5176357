"""What a topic is told by hand."""

from collections.abc import Mapping

from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from shared import kafka_admin
from shared.settings import Settings

# So that a test may say when a record was written.
WRITERS_TIMES = {"message.timestamp.type": "CreateTime"}


async def configure(settings: Settings, topic: str, configs: Mapping[str, str]) -> None:
    """Sets configurations of a topic of the catalogue."""
    async with kafka_admin.admin(settings) as client:
        name = settings.topic_prefix + topic
        await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, configs=dict(configs))])
