"""`sluice strategy check DIR`: every mistake of a bundle in one run, its own tests, and what it costs an ad."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from service.classifier import Classifier, load_classifier
from service.classifier.manifest import ModelLoadError
from service.cli.running import DONE, FAILED, NOT_SO, CommandError, err, out, show_safely
from service.linting.check import check_bundle
from service.linting.rendering import write_annotations, write_json, write_lines, write_summary
from service.linting.report import Report
from service.linting.sample import ADS_FILE, WORDS_FILE, Sample, SampleError, load_sample
from service.settings import SettingsError, load_settings
from service.shipped import shipped_path
from service.strategy import StrategyError, read_folder

Format = Literal["text", "json", "github"]


def check(  # noqa: PLR0913 - each is an option of the command
    directory: Path,
    /,
    *,
    sample: Annotated[Path | None, Parameter(help="Ordinary ads, JSON Lines; default: those that ship.")] = None,
    model: Annotated[bool, Parameter(help="Score the ads of tests; without it, 0.0 where they give none.")] = True,
    strict: Annotated[bool, Parameter(negative=(), help="Let warnings fail the check.")] = False,
    form: Annotated[Format, Parameter(name="--format", help="github: annotations of a pull request.")] = "text",
    as_json: Annotated[bool, Parameter(name="--json", negative=(), help="Short for --format json.")] = False,
) -> int:
    """Name every mistake in a bundle with its place and remedy, and run the tests that stand in it.

    Exit code 0; 1 if there is an error or a failed test; 2 if it could not be checked at all.

    Parameters
    ----------
    directory
        The folder that holds bundle.yaml.

    """
    try:
        classifier = _load_model() if model else None
        ads = _load_sample(sample)
        _require_folder(directory)
    except (CommandError, SettingsError, ModelLoadError, SampleError) as error:
        for line in str(error).splitlines():
            err.print(f"sluice: {show_safely(line)}")
        return FAILED
    report = _check(directory, ads, classifier)
    _print(report, "json" if as_json else form, directory)
    return DONE if report.ok and not (strict and report.warnings) else NOT_SO


def _require_folder(directory: Path) -> None:
    if not directory.is_dir():
        raise CommandError(f"{directory}: is no folder; name the folder that holds bundle.yaml")


def _check(directory: Path, sample: Sample, classifier: Classifier | None) -> Report:
    try:
        files = read_folder(directory)
    except StrategyError as error:  # a file that is too large, or that must not be read
        return Report(error.problems, ())
    return check_bundle(files, sample, classifier, datetime.now(UTC))


def _load_model() -> Classifier:
    return load_classifier(load_settings().model_dir)


def _load_sample(ads: Path | None) -> Sample:
    shipped = shipped_path("deploy/sample")
    return load_sample(ads or shipped / ADS_FILE, shipped / WORDS_FILE)


def _print(report: Report, form: Format, directory: Path) -> None:
    if form == "json":
        out.print(write_json(report))
        return
    if form == "github":
        for line in write_annotations(report, directory.as_posix()):
            out.print(show_safely(line))
    else:
        for text in write_lines(report):
            text.plain = show_safely(text.plain)
            out.print(text)
    out.print(write_summary(report))
