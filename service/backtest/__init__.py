"""Backtests: what a bundle would have decided on past ads, compared with another, with figures, examples and a gate.

Beside the worker and on the same heart: `contest` judges, `deciding` counts a block, `running` uses all cores,
`summary` makes the report, `page` and `terminal` show it. Knows no Kafka and no settings: the command line brings both.
"""
