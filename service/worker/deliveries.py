"""What became of records that were handed to a producer: aiokafka's futures, each to be looked at once."""

import asyncio
from collections.abc import Sequence
from typing import Any

from aiokafka.errors import ProducerFenced


def retrieve(delivery: asyncio.Future[Any]) -> None:
    """Look at a delivery's failure: the first is told, and asyncio would log each of the others as never retrieved."""
    if not delivery.cancelled():
        delivery.exception()


def was_fenced(error: Exception, sent: Sequence[asyncio.Future[Any]]) -> bool:
    """Tell whether another producer has taken over: the fenced one also meets aiokafka's own checks of its state."""
    causes = [error, *(delivery.exception() for delivery in sent if delivery.done() and not delivery.cancelled())]
    return any(isinstance(cause, ProducerFenced) for cause in causes)
