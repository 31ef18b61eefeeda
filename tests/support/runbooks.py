"""Runbooks as scripts, and a machine to run them on: a repository, a stack, its AWS, and the programs they call."""

import json
import logging
import os
import re
import shutil
import subprocess
import sys
import textwrap
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import yaml
from botocore.session import Session

from tests.support.aws_cli import CLIENT, ONLY_CHECKS
from tests.support.models import ROOT
from tests.support.moto_server import BUCKET, MODEL, STAGE, MotoServer
from tests.support.tables import LOGISTIC, lines
from tests.support.waiting import TIMES_OUT, wait_until

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

FOLDER = ROOT / "docs" / "runbooks"
STACK = "skylift-dev"
FUNCTION = "skylift-dev-InferenceFunction"
POINTER = f"/skylift/{STAGE}/{MODEL}/active"
ROLE = "skylift-dev-PromoteRole"
_ACCOUNT = "123456789012"
_SOCKET = "../aws"  # relative: the whole path of a socket may not have more than a hundred characters


def script_of(name: str) -> str:
    """All shell blocks of a runbook, in their order, after those that begin each session."""
    texts = [(FOLDER / each).read_text(encoding="utf-8") for each in dict.fromkeys(["README.md", name])]
    blocks = re.findall(r"^( *)```sh\n(.*?)^ *```$", "\n".join(texts), flags=re.MULTILINE | re.DOTALL)
    return "\n".join(textwrap.dedent(block) for _, block in blocks)


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
        self._prepare_programs()

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
            with self._aws_cli(environment):
                done = subprocess.run(
                    ["sh", "-eu", "-c", script_of(name)],
                    cwd=self.folder,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    timeout=TIMES_OUT,
                    check=False,
                )
        assert done.returncode == 0, done.stdout
        return done.stdout

    @contextmanager
    def _aws_cli(self, environment: dict[str, str]) -> Iterator[None]:
        command = [sys.executable, "-W", "ignore", "-m", "tests.support.aws_cli", "--serve", _SOCKET]
        with subprocess.Popen(command, cwd=self.folder, env=environment | {"PYTHONPATH": str(ROOT)}) as server:
            try:
                wait_until((self.folder / _SOCKET).exists, what="the AWS CLI is ready")
                yield
            finally:
                server.terminate()
                (self.folder / _SOCKET).unlink(missing_ok=True)

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

    def _client(self, service: str) -> Any:
        return Session().create_client(
            service,
            endpoint_url=self._endpoint,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            region_name="eu-central-1",
        )

    def _prepare_stack(self) -> dict[str, str]:
        self.s3().put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
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
        groups = {f"{name}LogGroupName": f"/{name}" for name in ("Inference", "PreTraffic", "Api")}
        for group in groups.values():
            logs.create_log_group(logGroupName=group)
        return groups | {
            "ApiUrl": "https://abc.execute-api.eu-central-1.amazonaws.com",
            "ModelBucketName": BUCKET,
            "Stage": STAGE,
            "ModelName": MODEL,
            "ActiveParameterName": POINTER,
            "InferenceFunctionName": FUNCTION,
            "PublishRoleArn": role,
            "PromoteRoleArn": role,
            "AlarmTopicArn": topic,
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

    def _prepare_programs(self) -> None:
        programs = self.folder / ".venv" / "bin"
        programs.mkdir(parents=True)
        make = shutil.which("make")
        python = f"PYTHONPATH={ROOT} exec {sys.executable} -W ignore -m"
        for name, body in {
            "gh": f'{python} tests.support.gh_cli "$@"',
            "make": f'{make} --dry-run --no-print-directory -C {ROOT} "$@" >> {self._made}',
            "skylift": f'exec {Path(sys.executable).with_name("skylift")} "$@"',
        }.items():
            program = programs / name
            program.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
            program.chmod(0o755)
        aws = programs / "aws"
        aws.write_text(f"#!{sys.executable} -IS\n{CLIENT.format(socket=_SOCKET)}", encoding="utf-8")
        aws.chmod(0o755)


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
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def environment_is_posix() -> bool:
    """Whether the runbooks' shell and programs are here."""
    return os.name == "posix" and all(shutil.which(program) for program in ("sh", "make", "git"))
