"""Imports point one way: from the command line down to the layer, and never in a circle."""

from tests.support.import_graph import circles, imports, modules

FLOORS = (
    ("skylift",),
    ("training.extras", "training.files", "training.metrics"),
    ("training.config",),
    ("training.data",),
    ("training.search",),
    ("training.compile",),
    ("training.evaluation",),
    ("training.card",),
    ("training.job",),
    ("training.release",),
    ("training.tracking", "training.clients"),
    ("training.cli",),
    ("deploy",),
)
"""Packages from the lowest to the highest: each may import those below it."""

FUNCTIONS = (
    "active_pointer",
    "audit",
    "auto_rollback",
    "batch",
    "inference",
    "local_durable",
    "monitor",
    "operations",
    "pre_traffic",
    "retrain",
    "retrain_trigger",
    "rollout",
    "version_check",
)
COMPOSED = {"inference.worker -> operations.compose"}
"""A plain server answers for both functions on one port: its entry puts them together."""

SDK = "from aws_durable_execution_sdk_python"

FACADES = ("skylift", "training")
"""Their `__init__` declares public names and imports each on first use, from any floor."""


def package_of(module: str) -> str:
    packages = [*(name for floor in FLOORS for name in floor), *FUNCTIONS]
    return next(package for package in packages if module == package or module.startswith(f"{package}."))


def floor_of(module: str) -> int:
    return next(number for number, floor in enumerate(FLOORS) if package_of(module) in floor)


def test_a_module_imports_only_its_own_package_and_lower_ones() -> None:
    upward = [
        f"{module} -> {imported}"
        for module in modules()
        if module not in FACADES and package_of(module) not in FUNCTIONS
        for imported in imports(module)
        if imported == "training" or floor_of(imported) > floor_of(module) or _beside(module, imported)
    ]

    assert upward == []


def test_a_function_imports_only_itself_and_the_layer() -> None:
    foreign = [
        f"{module} -> {imported}"
        for module in modules()
        if module not in FACADES and package_of(module) in FUNCTIONS
        for imported in imports(module)
        if package_of(imported) not in {package_of(module), "skylift"}
    ]

    assert set(foreign) == COMPOSED


def test_only_durable_functions_import_their_sdk() -> None:
    # The layer of the zip functions is packed without it.
    importers = {package_of(module) for module in modules() if "skylift.durable_steps" in imports(module)}
    named = {module for module, path in modules().items() if SDK in path.read_text(encoding="utf-8")}

    assert importers == {"retrain", "rollout"}
    assert {package_of(module) for module in named - {"skylift.durable_steps"}} == {"local_durable", *importers}


def test_no_module_imports_itself_by_way_of_others() -> None:
    assert circles() == []


def test_only_the_job_and_the_command_line_see_the_whole_configuration() -> None:
    whole = {module for module, path in modules().items() if "ModelConfig" in path.read_text(encoding="utf-8")}

    assert {package_of(module) for module in whole} == {"training.config", "training.job", "training.cli"}


def _beside(module: str, imported: str) -> bool:
    """Whether two modules are of different packages on one floor."""
    return floor_of(module) == floor_of(imported) and package_of(module) != package_of(imported)
