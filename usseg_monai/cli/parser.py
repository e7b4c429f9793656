"""The argument parser of ``usseg``, which suggests corrections."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from usseg_monai.errors import did_you_mean

__all__ = ["HelpFormatter", "Parser", "with_task"]

_CHOICE = re.compile(r"argument (.+): invalid choice: '([^']*)'")


def with_task(text: str) -> str:
    """Replace ``TASK`` in a help text by the name of a task.

    >>> with_task("usseg predict TASK images/")
    'usseg predict fetal_head images/'
    """
    from usseg_monai.tasks import TASKS

    return text.replace("TASK", next(iter(TASKS)))


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Keeps each command and its summary on one line: argparse ignores the indent of names and would break after the longest."""

    def add_argument(self, action: argparse.Action) -> None:
        super().add_argument(action)
        if isinstance(action, argparse._SubParsersAction):
            self._action_max_length += self._indent_increment


class Parser(argparse.ArgumentParser):
    """Suggests the most similar name for an unknown option, or for an unknown value of an option with choices."""

    _words: Sequence[str] = ()

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Like `argparse.ArgumentParser.parse_known_args`; also stores the words for messages."""
        if args and not self._words:  # argparse calls this several times, with ever fewer words
            self._words = tuple(args)
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """Exit with 2 and a message, with a suggestion if there is one."""
        super().error(message + "".join(self._suggestions(message)))

    def _suggestions(self, message: str) -> Iterator[str]:
        known = [option for option in self._option_string_actions if option.startswith("--")]
        for word in self._words:
            option = word.partition("=")[0]
            if option.startswith("--") and option != "--" and not any(name.startswith(option) for name in known):
                yield ("" if option in message else f"; unknown option {option}") + did_you_mean(option, known)
        if match := _CHOICE.match(message):
            action = next((action for action in self._actions if "/".join(action.option_strings) == match[1] and action.choices), None)
            if action is not None:
                yield did_you_mean(match[2], [str(choice) for choice in action.choices or ()])
