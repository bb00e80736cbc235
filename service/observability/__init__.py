"""What an operator sees of a worker: metrics, logs, health. Used by the rims alone; the heart knows nothing of it."""
