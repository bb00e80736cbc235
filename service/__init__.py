"""Sluice: streaming auto-moderation for ads.

Follow an ad through the folders: contracts, text, rules and classifier, strategy, moderate, worker.
"""

__version__ = "0.1.0"
