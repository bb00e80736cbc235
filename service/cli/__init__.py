"""The command `sluice`: thin commands over the parts; each loads only what it needs."""

import sys

import cyclopts

from service import __version__
from service.settings import SettingsError

app = cyclopts.App(name="sluice", help="Streaming auto-moderation for ads.", version=__version__)
app.command("service.cli.worker:work", name="worker")
app.command("service.cli.moderate:moderate_file", name="moderate")
app.command("service.cli.demo:demo", name="demo")
app.command("service.cli.topics:topics_app", name="topics")
app.command("service.cli.dead_letters:dead_letters_app", name="dead-letters")
app.command("service.cli.resume:resume", name="resume")
app.command("service.cli.generated:write_schemas", name="schemas")
app.command("service.cli.settings:print_settings", name="settings")


def main() -> None:
    """Run the command line. A fault of the settings or the deployment is one line on stderr and exit code 2."""
    # Imported late: the errors' home is heavy, and `sluice --help` should not pay for it.
    try:
        app()
    except SettingsError as error:
        sys.stderr.write(f"sluice: {error}\n")
        sys.exit(2)
