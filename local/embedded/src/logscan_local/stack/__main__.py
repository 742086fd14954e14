"""`logscan-local up | down | status | demo | env | environments`: the embedded stack from the command line."""

import argparse
import os
import shlex
import sys

from logscan_local.stack import demo, environments, processes
from logscan_local.stack.nodes import RUNTIMES, PodRuntime
from logscan_local.stack.stacks import Stack
from logscan_tools.errors import ToolError
from logscan_tools.imagebuild import VERSION


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    options = _options(arguments)
    commands = {"up": _up, "down": _down, "status": _status, "env": _env, "demo": _demo}
    try:
        if options.command == "environments":
            environments.images(_say)
            return 0
        stack = Stack(options.stack, _say, _runtime(options))
        return commands[options.command](stack, options)
    except ToolError as error:
        print(f"logscan-local: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="logscan-local", description=__doc__)
    parser.add_argument(
        "--stack", default=os.environ.get("STACK", "default"), help="name of the stack (default: $STACK, or default)"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start the stack, unless it is running")
    commands.add_parser("down", help="stop the stack and delete its files")
    commands.add_parser("status", help="show the stack's processes and their logs")
    commands.add_parser("env", help='print shell variables: eval "$(logscan-local env)"')
    commands.add_parser("environments", help="make what pods that are processes run in, unless it exists")
    demonstration = commands.add_parser("demo", help="start the stack, upload logs and show their scans")
    demonstration.add_argument("--log", metavar="PATH", help="also upload a log file of yours")
    for command in (up, demonstration):
        command.add_argument("--runtime", help=f"how to run pods: {' or '.join(RUNTIMES)} (default: {RUNTIMES[0]})")
        command.add_argument("--tag", default=VERSION, help="tag of the images for docker (default: %(default)s)")
    return parser.parse_args(arguments)


def _runtime(options: argparse.Namespace) -> PodRuntime | None:
    wanted = getattr(options, "runtime", None)
    return PodRuntime(wanted, options.tag) if wanted else None


def _up(stack: Stack, _options: argparse.Namespace) -> int:
    stack.up()
    return _status(stack, _options)


def _down(stack: Stack, _options: argparse.Namespace) -> int:
    stack.down()
    return 0


def _status(stack: Stack, _options: argparse.Namespace) -> int:
    parts = stack.parts()
    for part in parts:
        print(f"{part.name:<24} {'running' if part.alive else 'dead':<8} {part.log}")
    for part in parts:
        if not part.alive:
            print(f"{part.name} has died; {processes.tail(part)}")
    state = stack.state()
    print(state.runtime.describe() if state else "the stack is down")
    return 0 if parts and all(part.alive for part in parts) else 1


def _env(stack: Stack, _options: argparse.Namespace) -> int:
    for name, value in stack.environment().items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def _demo(stack: Stack, options: argparse.Namespace) -> int:
    return demo.run(stack, options.log)


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
