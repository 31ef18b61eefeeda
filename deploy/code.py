"""Which version of the code answers, which one the stack has, and the way back to an earlier one.

CloudFormation tells CodeDeploy that the alias names the version that the stack has. Where it names another one,
CodeDeploy refuses the deployment, and weights count as another one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy.stack import Stack, StackFailed, required_output
from skylift.aws import aws_errors
from skylift.errors import ConfigError

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_lambda.type_defs import FunctionConfigurationTypeDef

ALIAS = "live"
KEPT_VERSIONS = 5
"""How many of the newest versions stay as ways back."""

_VERSION = "AWS::Lambda::Version"


@dataclass(frozen=True, slots=True)
class CodeVersion:
    """A version of the inference function.

    Parameters
    ----------
    number
        Number that Lambda gave it.
    description
        Description, which has the name of the deployment and its parameters.
    published
        Time at which it was published, as Lambda writes it.
    release
        Name of the deployment; empty where none made it.
    image
        Digest of its image, 64 hexadecimal digits.
    """

    number: int
    description: str
    published: str
    release: str
    image: str

    def __str__(self) -> str:
        return f"{self.number} ({self.description})" if self.description else str(self.number)


@dataclass(frozen=True, slots=True)
class Traffic:
    """What the alias names.

    Parameters
    ----------
    version
        Number of the version that answers.
    others
        Numbers of further versions that get a share, as in a canary.
    """

    version: int
    others: tuple[int, ...] = ()

    def __str__(self) -> str:
        return " and ".join(map(str, (self.version, *self.others)))


class DeployedCode:
    """The alias of a stack's inference function.

    Parameters
    ----------
    stack
        Stack, which must exist.
    client
        Lambda client.
    """

    def __init__(self, stack: Stack, *, client: "LambdaClient") -> None:
        self.stack = stack
        self._client = client
        self._function = required_output(stack.outputs(), "InferenceFunctionName", stack.name)

    def traffic(self) -> Traffic:
        """Versions that answer requests."""
        with aws_errors(f"reading the alias {ALIAS} of {self._function}"):
            alias = self._client.get_alias(FunctionName=self._function, Name=ALIAS)
        weights = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
        return Traffic(int(alias["FunctionVersion"]), tuple(sorted(map(int, weights))))

    def held(self) -> int:
        """Number of the version that the stack has.

        Raises
        ------
        StackFailed
            It has none.
        """
        of_stack = self.stack.resources().get(_VERSION, [])  # further functions have versions of their own
        arns = [arn for arn in of_stack if arn.split(":")[-2] == self._function]
        if len(arns) != 1:
            raise StackFailed(
                f"stack {self.stack.name} has {len(arns)} versions of the code", "deploy template.yaml to it"
            )
        return int(arns[0].rpartition(":")[2])

    def versions(self) -> list[CodeVersion]:
        """All published versions, the oldest first."""
        with aws_errors(f"listing the versions of {self._function}"):
            pages = self._client.get_paginator("list_versions_by_function").paginate(FunctionName=self._function)
            found = [each for page in pages for each in page["Versions"] if each["Version"] != "$LATEST"]
        return sorted(map(_version, found), key=lambda version: version.number)

    def way_back(self, number: int | None) -> CodeVersion:
        """The version that a rollback gives the requests.

        Parameters
        ----------
        number
            Number of the version; the one published before the one that answers by default.

        Raises
        ------
        ConfigError
            There is no such version.
        StackFailed
            Lambda cannot run it.
        """
        versions = self.versions()
        if number is None:
            chosen = [each for each in versions if each.number < self.traffic().version][-1:]
        else:
            chosen = [each for each in versions if each.number == number]
        if not chosen:
            there_are = ", ".join(str(each.number) for each in versions) or "none"
            what = "version before the one that answers" if number is None else f"version {number}"
            raise ConfigError(f"{self._function} has no {what}", f"there are: {there_are}")
        with aws_errors(f"reading version {chosen[0].number} of {self._function}"):
            state = self._client.get_function_configuration(
                FunctionName=self._function, Qualifier=str(chosen[0].number)
            ).get("State")
        if state == "Failed":
            raise StackFailed(f"Lambda cannot run version {chosen[0].number}", "name another one with --to (TO=)")
        return chosen[0]

    def move(self, number: int) -> None:
        """Give one version all traffic."""
        with aws_errors(f"moving the alias {ALIAS} of {self._function} to version {number}"):
            self._client.update_alias(
                FunctionName=self._function,
                Name=ALIAS,
                FunctionVersion=str(number),
                RoutingConfig={"AdditionalVersionWeights": {}},
            )

    def prune(self) -> list[int]:
        """Delete old versions, which cost money while they have a snapshot: all but the newest and those in use.

        Returns
        -------
        Numbers of what was deleted.
        """
        traffic = self.traffic()
        used = {self.held(), traffic.version, *traffic.others}
        old = [each.number for each in self.versions()[:-KEPT_VERSIONS] if each.number not in used]
        for number in old:
            with aws_errors(f"deleting version {number} of {self._function}"):
                self._client.delete_function(FunctionName=self._function, Qualifier=str(number))
        return old

    def check_held(self) -> None:
        """Refuse to deploy where the alias does not name the version of the stack.

        Raises
        ------
        StackFailed
            With the way out.
        """
        traffic, held = self.traffic(), self.held()
        if traffic != Traffic(held):
            raise StackFailed(
                f"version {traffic} of the code answers, but stack {self.stack.name} has version {held}: "
                "CodeDeploy would refuse",
                "deploy the corrected code with AFTER_ROLLBACK=1 (--after-rollback); docs/runbooks/roll-back-code.md",
            )

    @contextmanager
    def as_held(self) -> Iterator[None]:
        """Have the alias name the version of the stack; as before if what happens inside deploys nothing.

        That may be a failure, an interrupt, or a change set that was declined or empty, which `sam` takes for success.
        """
        before, held = self.traffic(), self.held()
        if before == Traffic(held):
            yield
            return
        try:
            self.move(held)
            yield
        finally:
            if not self.stack.is_changing() and self.traffic() == Traffic(held):
                self.move(before.version)


def _version(found: "FunctionConfigurationTypeDef") -> CodeVersion:
    return CodeVersion(
        number=int(found["Version"]),
        description=found.get("Description", ""),
        published=found["LastModified"],
        release=found.get("Environment", {}).get("Variables", {}).get("SKYLIFT_RELEASE", ""),
        image=found["CodeSha256"],
    )
