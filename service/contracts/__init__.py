"""What crosses a topic: one module a topic, pydantic models that are also the published JSON Schemas.

`submission` comes in; `decision`, `review_task` and `dead_letter` go out; `control` is Sluice's own ledger.
`reading` turns bytes into a submission or says, with the place and the remedy, why it cannot.
"""
