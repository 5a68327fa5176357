"""Tells a broker the rights of our users, as its superuser."""

from typing import Any

from aiokafka.errors import for_code
from aiokafka.protocol.admin import CreateAclsRequest, DeleteAclsRequest

from deploy.kafka.rights import USERS, Operation, Resource, Right, User
from shared.kafka_admin import KafkaTrouble, admin, bounded
from shared.settings import Settings

# Numbers of Kafka's protocol.
_RESOURCES = {Resource.TOPIC: 2, Resource.GROUP: 3}
_OPERATIONS = {Operation.READ: 3, Operation.WRITE: 4, Operation.CREATE: 5, Operation.DELETE: 6, Operation.DESCRIBE: 8}
_LITERAL, _PREFIXED = 3, 4
_ALLOW = 3
_ANY = 1
_ANY_HOST = "*"


async def grant(settings: Settings, *, anew: bool) -> None:
    """Gives every user its rights; `anew` takes away all others first. Safe to run again. Raises KafkaTrouble."""
    async with admin(settings) as client:
        if anew:
            everything = DeleteAclsRequest(_ANY, None, _ANY, None, None, _ANY, _ANY)
            _check((await _ask(client, everything)).filter_responses)
        for user in USERS:
            for right in user.rights:
                await _give(client, user, right)


async def _give(client: Any, user: User, right: Right) -> None:  # noqa: ANN401  aiokafka has no types
    pattern = _PREFIXED if right.is_prefix else _LITERAL
    for operation in right.operations:
        one = CreateAclsRequest(
            _RESOURCES[right.resource],
            right.name,
            pattern,
            f"User:{user.name}",
            _ANY_HOST,
            _OPERATIONS[operation],
            _ALLOW,
        )
        _check((await _ask(client, one)).creation_responses)


async def _ask(client: Any, request: Any) -> Any:  # noqa: ANN401  the same
    """aiokafka knows these requests, but its admin client has no method for them."""
    return await bounded(client._send_request(request), "giving rights")  # noqa: SLF001  see above


def _check(answers: Any) -> None:  # noqa: ANN401  the same
    for code, message, *_ in answers:
        if code != 0:
            raise KafkaTrouble(f"rights cannot be given: {message or for_code(code).__name__}")
