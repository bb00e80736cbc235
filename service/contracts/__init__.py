"""What crosses a topic: one module a topic, pydantic models that are also the published JSON Schemas.

`submission` comes in; `decision`, `review_task` and `dead_letter` go out; `control` holds trips,
resumes, replays and halts. `ledger` says which strategies are in force, `worker_status` what each worker runs by,
`shadow_decision` what a candidate would have done.
`reading` turns bytes into a submission or says, with the place and the remedy, why it cannot.
"""
