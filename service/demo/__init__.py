"""The try-out: an embedded broker, the real worker, a mixed set of ads, and what became of them, in one terminal."""
