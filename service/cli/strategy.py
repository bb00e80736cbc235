"""`sluice strategy ...`: write, check and publish what Sluice decides by; each command loads only what it needs."""

from cyclopts import App

strategy_app = App(name="strategy", help="Write, check, explain and publish what Sluice decides by.")
# The help is written here because the commands are imported only when they are run.
_COMMANDS = (
    ("show", "service.cli.strategy_show:show", "Show what applies to some ads, and where each value is written."),
    ("check", "service.cli.strategy_check:check", "Name every mistake in a bundle; run its tests."),
    ("explain", "service.cli.strategy_explain:explain", "Show how an ad is decided, or a past decision was made."),
    ("publish", "service.cli.strategy_publish:publish", "Send a checked bundle to the workers, live or as candidate."),
    ("approve", "service.cli.strategy_publish:approve", "Sign what somebody else has proposed."),
    ("rollout", "service.cli.strategy_rollout:rollout", "Let the candidate decide for a share of the advertisers."),
    ("promote", "service.cli.strategy_rollout:promote", "Make the candidate live for all ads."),
    ("abort", "service.cli.strategy_rollout:abort", "Take the candidate off."),
    ("rollback", "service.cli.strategy_rollout:rollback", "Make a bundle live again that was live before."),
    ("status", "service.cli.strategy_history:status", "Show what is in force, and what each worker runs by."),
    ("history", "service.cli.strategy_history:history", "Show who put what in force when, and why."),
    ("diff", "service.cli.strategy_history:diff", "Show what one bundle says otherwise than another."),
    ("fetch", "service.cli.strategy_history:fetch", "Write a published bundle back to a folder."),
    ("keygen", "service.cli.strategy_keys:keygen", "Make a key pair for somebody who publishes."),
)
for _name, _place, _help in _COMMANDS:
    strategy_app.command(_place, name=_name, help=_help)
