"""The entry point of ``worldsim``: finds the command, reads its settings, runs it, and says plainly what went wrong."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from worldsim.core.errors import UnknownNameError, WorldsimError
from worldsim.core.siblings import OUR_FOLDER, PACKAGES, import_ours

OK, UNEXPECTED, USER_ERROR, INTERRUPTED, PIPE_CLOSED = 0, 1, 2, 130, 141
_STARTED_BY_TORCHRUN = "TORCHELASTIC_RUN_ID"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0, 2 for what a user can put right, 1 for what only we can."""
    words = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in words or os.environ.get("WORLDSIM_DEBUG", "") not in ("", "0")
    words = [word for word in words if word != "--debug"]
    try:
        code = _dispatch(words)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        if not _speaks():
            return INTERRUPTED
        print("\nworldsim: stopped by Ctrl-C.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (head, less) has gone; without this Python complains again when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except Exception as error:
        if not _speaks():
            return USER_ERROR if _is_for_the_user(error) else UNEXPECTED
        if debug:
            traceback.print_exc()
        return _explain(error, debug)


def _dispatch(words: list[str]) -> int:
    # Claimed first, so that no later import inside our packages meets a folder of the same name in the user's own.
    for package in PACKAGES:
        import_ours(package)
    if not words or words[0] in ("--help", "-h", "help"):
        from worldsim.cli import help

        print(help.overview())
        return OK
    command, rest = words[0], words[1:]
    if command == "--version":
        import worldsim

        print(f"worldsim {worldsim.__version__}")
        return OK
    if command in ("--completion", "--complete"):
        from worldsim.cli import completion

        print(completion.answer(command, rest), end="")
        return OK
    return _run(command, rest)


def _run(command: str, words: list[str]) -> int:
    from worldsim.cli.commands import COMMANDS, module_of, schema_of

    if command != "train" and int(os.environ.get("WORLD_SIZE", "1")) > 1 and _STARTED_BY_TORCHRUN in os.environ:
        raise WorldsimError(f"{command} runs in one process; torchrun is for worldsim train alone.")
    if command not in COMMANDS:
        raise UnknownNameError("command", command, COMMANDS)
    if "--help" in words or "-h" in words:
        from worldsim.cli import help

        print(help.of_command(command, [word for word in words if word not in ("--help", "-h")]))
        return OK
    from worldsim.cli.config import parse

    module = module_of(command)
    return module.run(parse(schema_of(module, words), words, command)) or OK


def _speaks() -> bool:
    """Whether this process says what went wrong: of those that torchrun started, the first one that fails."""
    if _STARTED_BY_TORCHRUN not in os.environ:
        return True
    from worldsim.training.processes import is_first_to_fail

    return is_first_to_fail()


def _explain(error: Exception, debug: bool) -> int:
    kind = type(error)
    if _is_for_the_user(error):
        message = " ".join(str(error).split("\n"))
        if isinstance(error, OSError) and error.strerror:
            message = f"{error.strerror}: {error.filename}"
        print(f"worldsim: {message}", file=sys.stderr)
        return USER_ERROR
    print(f"worldsim: sorry, this should not have happened: {kind.__name__}: {error}", file=sys.stderr)
    if not debug:
        with tempfile.NamedTemporaryFile(
            "w", prefix="worldsim-error-", suffix=".log", delete=False, encoding="utf-8"
        ) as log:
            log.write("".join(traceback.format_exception(error)))
        print(f"The traceback is in {log.name}; --debug shows it here.", file=sys.stderr)
    return UNEXPECTED


def _is_for_the_user(error: Exception) -> bool:
    """Ours by type, a file that cannot be used, an unknown Gymnasium id, or a ValueError that our own code raised."""
    if isinstance(error, WorldsimError) or (isinstance(error, OSError) and error.filename is not None):
        return True
    if type(error).__module__ == "gymnasium.error":
        return True
    return isinstance(error, ValueError) and _raised_by_us(error.__traceback__)


def _raised_by_us(trace: TracebackType | None) -> bool:
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return False
    file = Path(trace.tb_frame.f_code.co_filename)
    return any(file.is_relative_to(OUR_FOLDER / package) for package in PACKAGES)
