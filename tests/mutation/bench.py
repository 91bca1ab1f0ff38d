"""A run of pytest that has collected everything and opened its database, and tries each flip in a fork of itself.

The fork puts the flip into the very functions, lists and declarations that other modules hold, so nothing is imported
anew. A test that turns red convicts a flip only if it is green when the source is put in as it is. What a module that
decides nothing made of a list at import stays: such a flip would survive and be seen, never be found wrongly.
"""

from __future__ import annotations

import dataclasses
import gc
import importlib
import inspect
import os
import signal
import sys
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from types import CodeType, FunctionType, ModuleType

import pytest
from django.db import connections

from kangqiao.base import prepared
from tests.mutation.mutants import Mutant

LONGEST, BROKEN = 240, 70
NO_START = "the product does not start"
PLAIN = (tuple, list, set, frozenset, dict, str)


class NoStart(Exception):
    """A source the product does not start with."""


class Bench:
    """What the run does instead of its tests: `work` asks `convict` for each flip."""

    def __init__(self, work: Callable[[Bench], None], warm: Iterable[str], policies: Iterable[str]) -> None:
        self.work, self.warm, self.policies = work, list(warm), list(policies)
        self.green: dict[tuple[tuple[str, ...], str], bool] = {}
        self.convicted: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self.is_red = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Some tests without a flip load what pages need and make what the session shares; then the flips."""
        self.session, self.items = session, {one.nodeid: one for one in session.items}
        made: set[str] = set()
        for test in (*self.warm, *self.items):
            shared = _shared(self.items[test]) if test in self.items else set()
            if shared - made or (shared and test in self.warm):
                made |= shared
                if self._is_red(test):
                    sys.exit(f"{test} is red without any flip, and proves nothing")
        modules = {name: importlib.import_module(name) for name in self.policies}
        self.codes = {name: compile(inspect.getsource(one), str(one.__file__), "exec") for name, one in modules.items()}
        connections.close_all()
        gc.collect()
        gc.freeze()
        self.work(self)
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One phase of one test."""
        self.is_red = self.is_red or report.failed

    def convict(self, one: Mutant, module: str, tests: Iterable[str]) -> str:
        """The first test that the flip turns red, or an empty word; those that convicted a neighbour come first."""
        near = self.convicted[one.file, one.where]
        # What other modules took from a list when they were loaded they take again.
        put = (module,) if one.where else tuple(self.policies)
        able = (test for test in tests if test in self.items and self.green.get((put, test), True))
        able = sorted(able, key=near.__contains__, reverse=True)
        flip = compile(one.source, one.file, "exec")
        found = forked(lambda: self._tried({name: self.codes[name] for name in put} | {module: flip}, able))
        if found and not self._is_green(put, found):
            if found == NO_START:
                sys.exit(f"{module} cannot be put in")
            return self.convict(one, module, tests)
        near.add(found)
        return found

    def _is_green(self, put: tuple[str, ...], test: str) -> bool:
        """Whether a test is green when these modules are put in as they are."""
        if (put, test) not in self.green:
            tests = [test] if test in self.items else []
            self.green[put, test] = not forked(lambda: self._tried({name: self.codes[name] for name in put}, tests))
        return self.green[put, test]

    def _tried(self, codes: dict[str, CodeType], tests: Iterable[str]) -> str:
        try:
            # Twice for lists: one that is made from another module's, and then a view that declares it.
            for name, code in [*codes.items()] * (2 if len(codes) > 1 else 1):
                put_in(code, importlib.import_module(name))
        except NoStart:
            traceback.print_exc()
            return NO_START
        prepared.forget()
        return next(filter(self._is_red, tests), "")

    def _is_red(self, test: str) -> bool:
        """Whether a test fails here and now; it is torn down to the session, whatever comes next."""
        self.is_red = False
        RUNNING[:] = [test]
        signal.alarm(LONGEST)
        item = self.items[test]
        item.ihook.pytest_runtest_protocol(item=item, nextitem=self.session)
        signal.alarm(0)
        return self.is_red


def _shared(item: pytest.Item) -> set[str]:
    """The fixtures of a test that the session makes once, such as its database."""
    found = item._fixtureinfo.name2fixturedefs.items()  # type: ignore[attr-defined]
    return {name for name, ways in found if ways[-1].scope == "session"}


RUNNING: list[str] = []


def forked(work: Callable[[], str]) -> str:
    """What a fork of this process answers: for a test that comes to no end, its name."""
    answers, says = os.pipe()
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGALRM, lambda *_: os.write(says, RUNNING[0].encode()) and os._exit(0))
        try:
            os.write(says, work().encode())
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(BROKEN)
    os.close(says)
    with os.fdopen(answers, encoding="utf-8") as told:
        answer = told.read()
    _pid, status = os.waitpid(pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit("the run itself broke, and proves nothing: see KANGQIAO_MUTANT_LOG")
    return answer


def put_in(code: CodeType, module: ModuleType) -> None:
    """Gives a module the lists of another source, its functions the code, and its views what they declare there."""
    flipped = dict(module.__dict__)
    try:
        exec(code, flipped)
    except Exception as problem:  # such as a declaration that cannot be
        raise NoStart from problem
    codes = {inner.co_qualname: inner for inner in _inside(code)}
    for function in _functions(module):
        if function.__code__.co_qualname in codes:
            function.__code__ = codes[function.__code__.co_qualname]
    for name, value in module.__dict__.items():
        if isinstance(value, FunctionType) and value.__module__ == module.__name__:
            _declare(value, flipped[name])
    lists = {name: value for name, value in flipped.items() if _is_list(name, value)}
    others = {id(old): lists[name] for name in lists if (old := module.__dict__.get(name)) and old != lists[name]}
    module.__dict__.update(lists)
    for copier in [one for name, one in sys.modules.items() if others and name.startswith("kangqiao.")]:
        vars(copier).update({name: others[id(one)] for name, one in vars(copier).items() if id(one) in others})


def _is_list(name: str, value: object) -> bool:
    is_plain = isinstance(value, PLAIN) or (dataclasses.is_dataclass(value) and not isinstance(value, type))
    return is_plain and not name.startswith("__")


def _inside(code: CodeType) -> Iterator[CodeType]:
    """The code of functions at the top of a source and in its classes."""
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield inner
            if "<locals>" not in inner.co_qualname:
                yield from _inside(inner)


def _functions(module: ModuleType) -> Iterator[FunctionType]:
    """The functions a module defines, inside their decorators too, and those of its classes."""
    values = list(module.__dict__.values())
    for kind in (one for one in values if isinstance(one, type) and one.__module__ == module.__name__):
        values += [getattr(one, "fget", None) or getattr(one, "__func__", one) for one in vars(kind).values()]
    for value in values:
        while isinstance(value, FunctionType):
            if value.__globals__ is module.__dict__:
                yield value
            value = getattr(value, "__wrapped__", None)


def _declare(view: FunctionType, other: FunctionType) -> None:
    """Gives each decorator around a view what the one around the other view holds; the view inside stays."""
    for mine, its in zip(view.__closure__ or (), other.__closure__ or (), strict=True):
        if isinstance(mine.cell_contents, FunctionType):
            _declare(mine.cell_contents, its.cell_contents)
        else:
            mine.cell_contents = its.cell_contents
    view.__dict__.update({name: value for name, value in other.__dict__.items() if name != "__wrapped__"})
