"""The command line: which commands there are, and how a command's end becomes an exit status."""

import argparse
import os
import re
import shlex
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from typing import NoReturn

from mix2mix import __version__, doctor
from mix2mix.commands import benchmark, edit, listing, report, survey
from mix2mix.errors import InputError

FAILED, BAD_INPUT, INTERRUPTED = 1, 2, 130

DESCRIPTION = """\
Edit a few posed views of one scene by an instruction, so that they stay one scene; and measure how well it worked."""

EPILOG = """\
examples:
  mix2mix edit face --instruction "Turn him into a vampire"
  mix2mix benchmark run
  mix2mix list edits

`mix2mix COMMAND --help` tells more. Exit status: 0 done, 1 the work failed, 2 bad input, 130 interrupted."""


class Parser(argparse.ArgumentParser):
    """A parser whose complaints say what to do."""

    def error(self, message: str) -> NoReturn:
        """Tell the mistake in one message, with the nearest name where a name was mistaken; exit 2."""
        self.exit(BAD_INPUT, f"{self.prog}: {message}. {_suggestion(message)}See `{self.prog} --help`.\n")


def build_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line; the chosen command's function is left in `run`."""
    layout = argparse.RawDescriptionHelpFormatter
    parser = Parser(prog="mix2mix", description=DESCRIPTION, epilog=EPILOG, formatter_class=layout, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"mix2mix {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", title="commands", required=True)
    for command in (edit, benchmark, survey, report, listing, doctor):
        command.add_to(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; every failure is told in one message on stderr."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    parser = build_parser()
    if not given:
        parser.print_help(sys.stderr)
        return BAD_INPUT
    chosen = parser.parse_args(given)
    chosen.command_line = shlex.join(["mix2mix", *given])
    try:
        status: int = chosen.run(chosen)
    except InputError as error:
        return _complain(str(error), BAD_INPUT)
    except KeyboardInterrupt:
        return _complain("interrupted", INTERRUPTED)
    except BrokenPipeError:
        return _reader_gone()
    except Exception as error:
        return _failed(error)
    return status


def _suggestion(message: str) -> str:
    mistaken = re.search(r"invalid choice: '(.*?)' \(choose from (.*)\)", message)
    if mistaken is None:
        return ""
    near = get_close_matches(mistaken[1], re.findall(r"[\w-]+", mistaken[2]), n=1)
    return f"Did you mean '{near[0]}'? " if near else ""


def _complain(message: str, status: int) -> int:
    print(f"mix2mix: {message}", file=sys.stderr)
    return status


def _failed(error: Exception) -> int:
    if "MIX2MIX_TRACEBACK" in os.environ:
        raise error
    return _complain(f"failed: {type(error).__name__}: {error} (MIX2MIX_TRACEBACK=1 shows where)", FAILED)


def _reader_gone() -> int:
    """Whoever read our output stopped, as `head` does: leave quietly, and let the interpreter's last flush succeed."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FAILED
