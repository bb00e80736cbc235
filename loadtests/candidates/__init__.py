"""The programs that `bench.py` races against each other, each in a process of its own."""
