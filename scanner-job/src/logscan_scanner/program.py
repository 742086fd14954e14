"""What the process does: the scan of a Job, from `LOGSCAN_REQUEST` to an exit code.

`--file PATH --rules FILE` scans a file of this machine instead and prints the counts, for trying rules. `rules test`
runs the tests of a pack or rule set. `notify` sends the notifications of a scan whose own process was killed.
"""

import argparse
import gc
import json
import logging
import os
import sys
from time import monotonic
from typing import TypeVar

os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "true")  # 5 % of a scan's start is the search for them

from logscan_api import MalformedRequestError, logs
from logscan_api.exitcodes import ExitCode
from logscan_api.requests import REQUEST_VARIABLE, NoticeRequest, Request, ScanRequest, joined
from logscan_api.text import printable
from logscan_scanner import __version__
from logscan_scanner.errors import ScanError
from logscan_scanner.termination import leave_message

# Each way to run imports what it needs, when it needs it: a scan starts in half the time.

Asked = TypeVar("Asked", bound=Request)

log = logging.getLogger("logscan.scanner")


def main(arguments: list[str] | None = None) -> int:
    """Run a scan and return the process's exit code."""
    options = _options(arguments)
    logs.set_up("INFO")
    try:
        if options.command == "rules":
            return _test_rules(options.source, options.log)
        if options.command == "notify":
            return _notify(read_request(os.environ, NoticeRequest))
        if options.file is not None:
            from logscan_scanner.localfile import scan_file

            _collect_garbage()
            _print(json.dumps(scan_file(options.file, options.rules), indent=2, ensure_ascii=False))
            return ExitCode.DONE
        return _scan(read_request(os.environ, ScanRequest))
    except ScanError as error:
        log.error("%s", error)
        return _end(error.code, str(error))
    except Exception as error:
        log.exception("unexpected error")
        return _end(ExitCode.INTERNAL_ERROR, f"{type(error).__name__}: {error}")


def _scan(request: ScanRequest) -> int:
    """Run the scan of a Job and send its notifications."""
    from logscan_scanner import runner
    from logscan_scanner.aws import Objects, Results

    started = monotonic()
    objects, results = Objects(request.role), Results()
    _collect_garbage()
    try:
        result = runner.run(request, objects, results, os.environ.get("LOGSCAN_JOB_UID", "none"))
    except ScanError as error:
        if error.code.permanent and request.notify is not None:
            from logscan_scanner.reporting import notifying

            notifying.notify_failed(request, error.code.reason, str(error), results, started)
        raise
    if request.notify is not None:
        from logscan_scanner.reporting import notifying  # no scan starts with it

        notifying.notify_finished(request, result, results, started)
    facts = {"lines": result.lines, "matchedLines": result.matched_lines, "bytes": result.bytes}
    log.info("done", extra={**facts, "incomplete": [str(part) for part in result.incomplete]})
    return _end(ExitCode.DONE, f"{result.matched_lines} of {result.lines} lines matched")


def _notify(request: NoticeRequest) -> int:
    """Send the notifications of a scan that failed, and whose own process could not."""
    from logscan_scanner.aws import Results
    from logscan_scanner.reporting import notifying

    _collect_garbage()
    failures = notifying.notify_failed(request, request.reason, request.message, Results(), monotonic())
    words = "; ".join(f"{name}: {failure}" for name, failure in failures.items())
    return _end(ExitCode.DONE, f"not all notifications were sent: {words}" if words else "the notifications were sent")


def _test_rules(source: str, log_path: str | None) -> int:
    """Run the tests of a pack or of rule sets, scan a log with the rules if there is one, and print both."""
    from logscan_api.framing import Records
    from logscan_scanner import ruletests
    from logscan_scanner.localfile import scan_with

    _collect_garbage()
    tests = ruletests.load(source)
    failed = ruletests.failed(tests)
    lines = sum(len(found.matches) + len(found.ignores) for found in tests)
    sys.stderr.write("".join(f"FAILED  {printable(sentence)}\n" for sentence in failed))
    sys.stderr.write(f"{len(tests)} rules, {lines} lines, {len(failed)} failed\n")
    if log_path is not None:
        rules = [found.rule for found in tests]
        _print(json.dumps(scan_with(log_path, rules, Records()), indent=2, ensure_ascii=False))
    return ExitCode.INVALID_RULE if failed else ExitCode.DONE


def _print(text: str) -> None:
    sys.stdout.write("".join(f"{printable(line)}\n" for line in text.split("\n")))


def _collect_garbage() -> None:
    """Enable garbage collection, but exclude the objects created so far: they are never freed."""
    gc.freeze()
    gc.enable()


def read_request(environment: "os._Environ[str] | dict[str, str]", kind: type[Asked]) -> Asked:
    """Return the request in the environment.

    Args:
        environment: The environment.
        kind: What is asked for.

    Raises:
        ScanError: The request is missing or not valid; the message names the field.
    """
    text = joined(environment)
    if not text:
        message = f"{REQUEST_VARIABLE} is not set: this runs in a LogScan's Job, or with --file"
        raise ScanError(message, ExitCode.BAD_REQUEST)
    try:
        return kind.from_variable(text)
    except MalformedRequestError as error:
        raise ScanError(f"{REQUEST_VARIABLE}: {error}", ExitCode.BAD_REQUEST) from error


def _end(code: ExitCode, message: str) -> int:
    leave_message(code, message)
    return int(code)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="logscan-scanner",
        description="The scanner of logscan: runs in a LogScan's Job, or scans a file with --file.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("--file", metavar="PATH", help="scan this file, - for standard input, and print JSON")
    parser.add_argument(
        "--rules", metavar="FILE", help="YAML with packs and inline rules, as in a LogScan's spec.rules, and records"
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser("notify", help="notify of a scan that failed (in a Job of the operator's)")
    rules = commands.add_parser("rules", help="test rules").add_subparsers(required=True, metavar="ACTION")
    test = rules.add_parser("test", help="run the tests of a pack or rule set")
    test.add_argument("source", metavar="RULES", help="name of a shipped pack, or YAML with a pack or LogScanRuleSets")
    test.add_argument("log", metavar="LOG", nargs="?", help="also scan this file, - for standard input, and print JSON")
    options = parser.parse_args(arguments)
    if (options.file is None) != (options.rules is None):
        parser.error("--file and --rules must be used together")
    return options
