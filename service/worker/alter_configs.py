"""The Kafka request IncrementalAlterConfigs (KIP-339), which aiokafka's admin client lacks.

Its AlterConfigs would reset every value that it does not name, such as a retention that an operator set by hand.
"""

from collections.abc import Mapping

from aiokafka.admin.config_resource import ConfigResourceType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Int8, Int16, Int32, Schema, String

_SET = 0  # the operation: set this value


class _AlterResponse(Response):  # type: ignore[misc]
    API_KEY = 44
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "responses",
            Array(
                ("error_code", Int16),
                ("error_message", String("utf-8")),
                ("resource_type", Int8),
                ("resource_name", String("utf-8")),
            ),
        ),
    )


class _AlterRequestStruct(RequestStruct):  # type: ignore[misc]
    API_KEY = 44
    API_VERSION = 0
    RESPONSE_TYPE = _AlterResponse
    SCHEMA = Schema(
        (
            "resources",
            Array(
                ("resource_type", Int8),
                ("resource_name", String("utf-8")),
                (
                    "configs",
                    Array(("name", String("utf-8")), ("config_operation", Int8), ("value", String("utf-8"))),
                ),
            ),
        ),
        ("validate_only", Boolean),
    )


class AlterConfigsIncrementally(Request[_AlterRequestStruct]):  # type: ignore[misc]
    """Sets the named values of one topic's configuration and leaves all others."""

    API_KEY = 44

    def __init__(self, name: str, config: Mapping[str, str]) -> None:
        self._resource = (ConfigResourceType.TOPIC, name, [(key, _SET, value) for key, value in config.items()])

    def build(self, request_struct_class: type[_AlterRequestStruct]) -> _AlterRequestStruct:
        """Return the request of the version that aiokafka and the broker agreed on."""
        validate_only = False
        return request_struct_class([self._resource], validate_only)
