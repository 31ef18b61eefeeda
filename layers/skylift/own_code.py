"""Modules of the user's own that an estimator is made of: imported from the version's bytes, never from a path.

Versions may have modules of one name and different sources, two of them in one process. So the modules of a version are
in `sys.modules` only while something of it is imported, unpickled or pickled. Afterwards the objects that came of them
keep them alive, and an `import` statement within them finds its own version's.
"""

import builtins
import io
import pickle
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import resolve_name, spec_from_loader
from threading import RLock
from types import CodeType, ModuleType
from typing import Any, Self

from pydantic import ValidationError

from skylift.documents import Document, first_fault
from skylift.errors import UnservableModel

_LOCK = RLock()
_WAIT_SECONDS = 60.0  # for code that another version is importing, which may never end
_PACKAGE = "/__init__.py"


class NotInTheImage(ModuleNotFoundError):
    """The user's own code imports a module that the image of the service does not have."""


class _Sources(Document):
    """What `code.json` holds: sources by path."""

    files: dict[str, str]


class OwnCode:
    """The modules of one version.

    Parameters
    ----------
    files
        Sources by path, as `prices.py` or `shapes/__init__.py`.
    offered
        Names of installed modules that it may import, beside the standard library; None for all.
    """

    def __init__(self, files: Mapping[str, str], offered: frozenset[str] | None = None) -> None:
        self.files = dict(sorted(files.items()))
        self.names = frozenset(path.partition("/")[0].removesuffix(".py") for path in files)
        self._offered = offered
        self._modules: dict[str, ModuleType] = {}
        self._entered = False

    @classmethod
    def from_bytes(cls, data: bytes, *, source: str) -> Self:
        """Read `code.json`.

        Parameters
        ----------
        source
            Name of the document, for the error.

        Raises
        ------
        UnservableModel
            It holds something else.
        """
        try:
            return cls(_Sources.model_validate_json(data).files)
        except ValidationError as error:
            raise UnservableModel(f"{source} holds no sources ({first_fault(error)})", "publish again") from error

    def to_bytes(self) -> bytes:
        """Contents of `code.json`."""
        return _Sources(files=self.files).to_bytes()

    def __bool__(self) -> bool:
        return bool(self.files)

    def __reduce__(self) -> tuple[type["OwnCode"], tuple[dict[str, str], frozenset[str] | None]]:
        return OwnCode, (self.files, self._offered)

    @contextmanager
    def importable(self) -> Iterator[None]:
        """Its modules are found under their names within; see the module.

        Raises
        ------
        UnservableModel
            Another version's code has been importing for a minute.
        """
        if not self.files:
            yield
            return
        if not _LOCK.acquire(timeout=_WAIT_SECONDS):
            raise UnservableModel("the code of another version does not end its import", "promote another version")
        try:
            if self._entered:
                yield
                return
            finder = _Importer(self)
            others = self._taken_out()
            sys.modules.update(self._modules)
            sys.meta_path.insert(0, finder)
            self._entered = True
            try:
                yield
            finally:
                self._entered = False
                sys.meta_path.remove(finder)
                self._modules = self._taken_out()
                sys.modules.update(others)
        finally:
            _LOCK.release()

    def dumps(self, value: Any) -> bytes:
        """A pickle of something that may be made of its classes."""
        with self.importable():
            return pickle.dumps(value)

    def loads(self, data: bytes) -> Any:
        """What `dumps` stored."""
        with self.importable():
            return pickle.load(io.BytesIO(data))  # noqa: S301 (made by this program)

    def place_of(self, error: BaseException) -> str:
        """Where in it an error was raised, as `prices.py, line 12`; empty if elsewhere."""
        frames = traceback.extract_tb(error.__traceback__)
        return next(
            (f"{one.filename}, line {one.lineno}" for one in reversed(frames) if one.filename in self.files), ""
        )

    def path_of(self, name: str) -> str | None:
        """Path of a module's source; None if it is none of these."""
        stem = name.replace(".", "/")
        return next((path for path in (f"{stem}{_PACKAGE}", f"{stem}.py") if path in self.files), None)

    def import_for(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,  # noqa: A002 (as `__import__` has it)
        locals: Mapping[str, Any] | None = None,  # noqa: A002
        fromlist: Sequence[str] = (),
        level: int = 0,
    ) -> Any:
        """What an `import` statement within it calls, at any time; see `__import__`.

        Raises
        ------
        NotInTheImage
        """
        whole = resolve_name("." * level + name, (globals or {})["__package__"]) if level else name
        top = whole.partition(".")[0]
        if top not in self.names:
            if self._offered is not None and top not in self._offered | sys.stdlib_module_names:
                raise NotInTheImage(f"{top} is not in the image of the service", name=top)
            return builtins.__import__(name, globals, locals, fromlist, level)
        known = self._modules.get(whole)  # without the lock, which may be held for long
        if known is not None and all(hasattr(known, each) for each in fromlist or ()):
            return known if fromlist else self._modules[top]
        with self.importable():
            return builtins.__import__(name, globals, locals, fromlist, level)

    def _taken_out(self) -> dict[str, ModuleType]:
        """Modules of its names, which are in `sys.modules` no more."""
        return {name: sys.modules.pop(name) for name in [*sys.modules] if name.partition(".")[0] in self.names}


class _Importer(MetaPathFinder, InspectLoader):
    """Makes modules of sources.

    Parameters
    ----------
    code
        Sources.
    """

    def __init__(self, code: OwnCode) -> None:
        self._code = code

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:  # noqa: ARG002
        """A specification of one of its modules."""
        origin = self._code.path_of(name)
        return spec_from_loader(name, self, origin=origin) if origin else None

    def is_package(self, fullname: str) -> bool:
        """Whether a module holds others."""
        return str(self._code.path_of(fullname)).endswith(_PACKAGE)

    def get_source(self, fullname: str) -> str:
        """Source of a module, also for tracebacks."""
        return self._code.files[str(self._code.path_of(fullname))]

    def get_code(self, fullname: str) -> CodeType:
        """A module compiled."""
        path = str(self._code.path_of(fullname))
        code: CodeType = compile(self._code.files[path], path, "exec", dont_inherit=True)
        return code

    def exec_module(self, module: ModuleType) -> None:
        """Run a module, whose imports are its version's."""
        vars(module)["__builtins__"] = vars(builtins) | {"__import__": self._code.import_for}
        super().exec_module(module)


NO_CODE = OwnCode({})
"""Of a version that is made of installed code alone."""
