"""The command `sluice`: thin commands over the parts; each loads only what it needs."""

import sys

import cyclopts

from service import __version__
from service.settings import SettingsError

app = cyclopts.App(name="sluice", help="Streaming auto-moderation for ads.", version=__version__)
# The help is written here because the commands are imported only when they are run.
_COMMANDS = (
    ("worker", "service.cli.worker:work", "Moderate ads from the submissions topic until SIGTERM."),
    ("moderate", "service.cli.moderate:moderate_file", "Decide ads from a JSON Lines file, without Kafka."),
    ("backtest", "service.cli.backtest:backtest", "Decide past ads with a bundle, and compare it with another."),
    ("strategy", "service.cli.strategy:strategy_app", "Write, check, explain and publish what Sluice decides by."),
    ("block", "service.cli.block:block_app", "Emergencies: reject a host, advertiser, term or text within seconds."),
    ("reproduce", "service.cli.reproduce:reproduce_decisions", "Decide recorded decisions once more, and compare."),
    ("rescan", "service.cli.rescan:rescan", "Decide approved live ads again, behind live traffic."),
    ("demo", "service.cli.demo:demo", "Try it out: the real worker on an embedded broker with mixed ads."),
    ("topics", "service.cli.topics:topics_app", "Compare Kafka's topics with deploy/topics.yaml, and make them so."),
    ("dead-letters", "service.cli.dead_letters:dead_letters_app", "List, show and put back what could not be read."),
    ("resume", "service.cli.resume:resume", "Let a worker go on that stopped because too much failed."),
    ("settings", "service.cli.settings:print_settings", "Print every setting with its default and meaning."),
    ("schemas", "service.cli.generated:write_schemas", "Write the files that are generated from code."),
)
for _name, _place, _help in _COMMANDS:
    app.command(_place, name=_name, help=_help)


def main() -> None:
    """Run the command line. A fault of the settings or the deployment is one line on stderr and exit code 2."""
    try:
        app()
    except SettingsError as error:
        sys.stderr.write(f"sluice: {error}\n")
        sys.exit(2)
