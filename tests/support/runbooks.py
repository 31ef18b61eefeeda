"""Runbooks as scripts, and a machine to run them on: a repository, a stack, its AWS, and the programs they call."""

import json
import logging
import os
import re
import shutil
import subprocess
import textwrap
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import boto3
import yaml

from tests.support.aws_cli import ONLY_CHECKS, aws
from tests.support.commands import skylift
from tests.support.gh_cli import gh
from tests.support.moto_server import BUCKET, MODEL, STAGE, MotoServer
from tests.support.paths import ROOT
from tests.support.stand_ins import Outcome, run_script, write_program
from tests.support.tables import LOGISTIC, lines
from tests.support.waiting import TIMES_OUT

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

FOLDER = ROOT / "docs" / "runbooks"
RUNBOOKS = sorted(path.name for path in FOLDER.glob("*.md"))
STACK = "skylift-dev"
FUNCTION = "skylift-dev-InferenceFunction"
POINTER = f"/skylift/{STAGE}/{MODEL}/active"
ROLE = "skylift-dev-PromoteRole"
_ACCOUNT = "123456789012"


def script_of(name: str) -> str:
    """All shell blocks of a runbook, in their order, after those that begin each session."""
    texts = [(FOLDER / each).read_text(encoding="utf-8") for each in dict.fromkeys(["README.md", name])]
    return "\n".join(block for text in texts for block in _blocks(text))


def section_of(name: str, heading: str) -> list[str]:
    """Shell blocks of the section whose heading begins so, each after those of a session and the section's first."""
    begin = "\n".join(_blocks((FOLDER / "README.md").read_text(encoding="utf-8")))
    _, _, rest = (FOLDER / name).read_text(encoding="utf-8").partition(f"\n## {heading}")
    first, *others = _blocks(rest.partition("\n## ")[0])
    return [f"{begin}\n{first}", *(f"{begin}\n{first}\n{other}" for other in others)]


def has_commands(name: str) -> bool:
    """Whether a runbook has shell blocks of its own."""
    return bool(_blocks((FOLDER / name).read_text(encoding="utf-8")))


def _blocks(text: str) -> list[str]:
    found = re.findall(r"^( *)```sh\n(.*?)^ *```$", text, flags=re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(block) for _, block in found]


class Machine:
    """A repository and a stack with two versions of the model, the second active, and two of the code.

    Parameters
    ----------
    folder
        Folder that becomes the repository.
    aws
        AWS of the stack.
    only_checks
        Operations that the AWS CLI checks but does not send; see `tests.support.aws_cli`.
    """

    def __init__(self, folder: Path, aws: MotoServer, only_checks: str) -> None:
        self.folder, self._aws = folder, aws
        self._endpoint = aws.environment["AWS_ENDPOINT_URL"]
        self._made = folder / "make.log"
        self._only_checks = only_checks
        self.function: LambdaClient = self._client("lambda")
        self.outputs = self._prepare_stack()
        self._prepare_repository()
        self._prepare_make()

    def run(self, name: str) -> str:
        """Run a runbook as a person would paste it; what it printed."""
        with _describing(STACK, self.outputs) as cloudformation:
            environment = {
                **{key: value for key, value in self._aws.environment.items() if not key.startswith("SKYLIFT_")},
                "AWS_ENDPOINT_URL_CLOUDFORMATION": cloudformation,
                "PATH": "/usr/local/bin:/usr/bin:/bin",
                "HOME": str(self.folder),
                ONLY_CHECKS: self._only_checks,
            }
            done = run_script(script_of(name), self.folder, environment, {"aws": aws, "gh": gh, "skylift": _skylift})
        assert done.code == 0, done.stdout
        return done.stdout

    @property
    def made(self) -> list[str]:
        """Commands that `make` would have run."""
        return self._made.read_text(encoding="utf-8").splitlines() if self._made.exists() else []

    def alias(self) -> str:
        """The version of the code that `live` names."""
        return self.function.get_alias(FunctionName=FUNCTION, Name="live")["FunctionVersion"]

    def s3(self) -> Any:
        """An S3 client."""
        return self._client("s3")

    def _client(self, service: Any) -> Any:  # the stubs of boto3 take literals only
        return boto3.client(
            service,
            endpoint_url=self._endpoint,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            region_name="eu-central-1",
        )

    def _prepare_stack(self) -> dict[str, str]:
        self.s3().put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        allowed = {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{BUCKET}/*",
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})  # moto reads no conditions
        self.s3().put_bucket_policy(Bucket=BUCKET, Policy=policy)
        iam = self._client("iam")
        trust = json.dumps({"Version": "2012-10-17", "Statement": []})
        role = iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        self.function.create_function(
            FunctionName=FUNCTION, Role=role, PackageType="Image", Code={"ImageUri": f"{_ACCOUNT}.example/skylift:1"}
        )
        for number in (1, 2):
            image = f"{_ACCOUNT}.example/skylift:{number}"
            self.function.update_function_code(FunctionName=FUNCTION, ImageUri=image, Publish=True)
        self.function.create_alias(FunctionName=FUNCTION, Name="live", FunctionVersion="2")
        topic = self._client("sns").create_topic(Name="alarms")["TopicArn"]
        logs = self._client("logs")
        named = ["Inference", "PreTraffic", "VersionCheck", "Api", "Monitor", "Capture"]
        named += ["Rollout", "AutoRollback", "Audit", "Retrain"]
        groups = {f"{name}LogGroupName": f"/{name}" for name in named}
        for group in groups.values():
            logs.create_log_group(logGroupName=group)
        return groups | {
            "ApiUrl": "https://abc.execute-api.eu-central-1.amazonaws.com",
            "ModelBucketName": BUCKET,
            "Stage": STAGE,
            "ModelName": MODEL,
            "ActiveParameterName": POINTER,
            "ChallengerParameterName": f"/skylift/{STAGE}/{MODEL}/challenger",
            "InferenceFunctionName": FUNCTION,
            "PublishRoleArn": role,
            "PromoteRoleArn": role,
            "AlarmTopicArn": topic,
            "AllowJoblib": "true",
        }

    def _prepare_repository(self) -> None:
        """A clone with a small model and a commit after it."""
        origin = self.folder.with_name(f"{self.folder.name}.git")
        git = ["git", "-c", "user.name=test", "-c", "user.email=test@example.org"]
        subprocess.run(["git", "init", "--quiet", "--bare", origin], check=True, timeout=TIMES_OUT)
        subprocess.run(
            ["git", "clone", "--quiet", origin, self.folder], check=True, timeout=TIMES_OUT, capture_output=True
        )
        training = self.folder / "training"
        training.mkdir()
        text = lines("x,n,y", lambda number: f"{number},{number % 7},{'ab'[number // 20]}")
        (training / "table.csv").write_text(text, encoding="utf-8")
        document = {"model": MODEL, "data": {"path": "table.csv"}, "target": {"column": "y"}, "candidates": [LOGISTIC]}
        (training / "model.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
        (self.folder / ".gitignore").write_text(".venv/\nmake.log\nbuild/\n", encoding="utf-8")
        for command in (
            ["add", "."],
            ["commit", "--quiet", "-m", "Good"],
            ["commit", "--quiet", "--allow-empty", "-m", "Bad"],
            ["push", "--quiet", "origin", "HEAD"],
        ):
            subprocess.run([*git, *command], cwd=self.folder, check=True, timeout=TIMES_OUT, capture_output=True)

    def _prepare_make(self) -> None:
        make = f'{shutil.which("make")} --dry-run --no-print-directory -C {ROOT} "$@" >> {self._made}'
        write_program(self.folder / ".venv" / "bin" / "make", f"#!/bin/sh\n{make}\n")


def _skylift(arguments: list[str]) -> Outcome:
    result = skylift(*arguments)
    return Outcome(result.exit_code, result.stdout, result.stderr)


@contextmanager
def _describing(stack: str, outputs: dict[str, str]) -> Iterator[str]:
    """CloudFormation over HTTP, as far as `describe-stacks` goes: moto's needs more than this project installs."""
    members = "".join(
        f"<member><OutputKey>{escape(key)}</OutputKey><OutputValue>{escape(value)}</OutputValue></member>"
        for key, value in outputs.items()
    )
    answer = (
        '<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult><Stacks>'
        f"<member><StackName>{stack}</StackName><StackStatus>UPDATE_COMPLETE</StackStatus>"
        "<CreationTime>2026-11-01T00:00:00Z</CreationTime>"
        f"<Outputs>{members}</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
    ).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = urllib.parse.parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
            self.send_response(200 if asked["Action"] == ["DescribeStacks"] else 501)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            logging.getLogger(__name__).debug("asked")

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def environment_is_posix() -> bool:
    """Whether the runbooks' shell and programs are here."""
    return os.name == "posix" and all(shutil.which(program) for program in ("sh", "make", "git"))
