from service.text.lazy import lazy


class Counting:
    """Counts how often its value was worked out."""

    def __init__(self) -> None:
        self.times = 0

    @lazy
    def value(self) -> int:
        """Return how often it was worked out."""
        self.times += 1
        return self.times


def test_a_value_is_worked_out_once_for_each_object() -> None:
    """The second look costs nothing and says the same; another object has its own."""
    first, second = Counting(), Counting()
    assert (first.value, first.value, second.value) == (1, 1, 1)
    assert Counting.value.__doc__ == "Return how often it was worked out."
