"""`sluice strategy ...`: write, check and publish what Sluice decides by; each command loads only what it needs."""

from cyclopts import App

strategy_app = App(name="strategy", help="Write, check, explain and publish what Sluice decides by.")
# The help is written here because the commands are imported only when they are run.
_COMMANDS = (("check", "service.cli.strategy_check:check", "Name every mistake in a bundle; run its tests."),)
for _name, _place, _help in _COMMANDS:
    strategy_app.command(_place, name=_name, help=_help)
