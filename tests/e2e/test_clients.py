"""Clients of the API: the generated ones, compiled and called, and a fuzzer that knows its OpenAPI document."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from moto import mock_aws

from skylift.contract import Contract, Target
from skylift.feature import Feature
from skylift.predictors import load_predictor
from skylift.registry import Registry
from skylift.settings import RegistrySettings
from tests.conftest import BUCKET, MODEL, STAGE
from tests.support.aws_clients import create_bucket, shared_clients
from tests.support.listening import listening
from tests.support.models import iris_package
from tests.support.paths import ROOT
from tests.support.waiting import TIMES_OUT
from tests.support.whole_service import Service
from training.clients.python import python_client
from training.clients.typescript import typescript_client

PROGRAMS = ROOT / "build" / "clients" / "bin"
PACKAGES = Path(__file__).parent / "clients"

ODD = Contract(
    task="classification",
    features=(
        Feature(name="size in m²", kind="number", required=False, example=55.5),
        Feature(name="class", kind="integer", description='"""\n*/ evil()', example=3),
        Feature(name="__proto__", kind="boolean", example=True),
        Feature(name="area", kind="category", categories=("it's", 'a "b"', "\u2028"), unknown="refuse", example="it's"),
        Feature(name="built", kind="category", categories=("old", "new"), unknown="missing", example="old"),
    ),
    target=Target(name="price", classes=("__proto__", "cheap", "dear")),
)


@pytest.fixture(scope="module")
def contract(served: tuple[str, Contract]) -> Contract:
    return served[1]


@pytest.fixture(scope="module")
def url(served: tuple[str, Contract]) -> str:
    return served[0]


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, Contract]]:
    """A service over HTTP that serves iris v1, with its AWS in memory."""
    s3, ssm = shared_clients("operator")
    with mock_aws():
        create_bucket(BUCKET)
        settings = RegistrySettings(bucket=BUCKET, stage=STAGE, model=MODEL, allow_joblib=True)
        registry = Registry.open(settings, s3=s3, ssm=ssm, load=load_predictor)
        service = Service(registry, s3, ssm)
        service.release(iris_package())
        contract = registry.resolve().manifest.contract
        service.host.wait_until_loaded()
        with listening(service.app) as address:
            yield f"http://{address}", contract


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=TIMES_OUT, check=False)


def mypy(folder: Path, *files: str) -> str:
    return run(sys.executable, "-m", "mypy", "--strict", "--no-incremental", *files, cwd=folder).stdout


@pytest.fixture(scope="module")
def tsc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which TypeScript is installed."""
    folder = tmp_path_factory.mktemp("typescript")
    for name in ("package.json", "package-lock.json"):
        (folder / name).write_bytes((PACKAGES / name).read_bytes())
    installed = run("npm", "ci", "--silent", "--no-audit", "--no-fund", cwd=folder)
    assert installed.returncode == 0, f"npm, which comes with Node.js, cannot install TypeScript: {installed.stderr}"
    options = {"strict": True, "noUncheckedIndexedAccess": True, "exactOptionalPropertyTypes": True, "outDir": "made"}
    target = {"target": "es2022", "module": "nodenext", "lib": ["es2022", "dom", "dom.iterable"], "types": []}
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": options | target}), encoding="utf-8")
    return folder


def compiled(folder: Path, **sources: str) -> str:
    """What the compiler says of some modules."""
    for stale in folder.glob("*.ts"):
        stale.unlink()
    for name, text in sources.items():
        (folder / f"{name}.ts").write_text(text, encoding="utf-8")
    return run(folder / "node_modules" / ".bin" / "tsc", cwd=folder).stdout


def test_a_type_checker_takes_the_python_client_and_finds_what_is_wrong(tmp_path: Path, contract: Contract) -> None:
    (tmp_path / "iris.py").write_text(python_client("iris", contract), encoding="utf-8")
    (tmp_path / "odd.py").write_text(python_client("odd", ODD), encoding="utf-8")
    (tmp_path / "wrong.py").write_text(
        'from iris import EXAMPLE, Client\n\nClient("http://x").predict([{"sepal_lenght": 5.1}])\n'
        'print(Client("http://x").predict([EXAMPLE])["predictions"][0]["lable"])\n',
        encoding="utf-8",
    )
    assert mypy(tmp_path, "iris.py", "odd.py").startswith("Success")
    found = mypy(tmp_path, "wrong.py")
    assert re.search(r'wrong.py:3: error: .*"sepal_lenght"', found)
    assert 'wrong.py:4: error: TypedDict "Prediction" has no key "lable"' in found


def test_the_first_python_of_the_readme_works_as_printed(tmp_path: Path, contract: Contract, url: str) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    program = re.search(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert program
    (tmp_path / "iris_client.py").write_text(python_client("iris", contract), encoding="utf-8")
    (tmp_path / "main.py").write_text(program[1].replace("http://127.0.0.1:8000", url), encoding="utf-8")
    done = run(sys.executable, "main.py", cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("setosa\n", "")


CALLS = """
import {{ Client, CONTRACT, EXAMPLE, Refused }} from "./iris.js";
declare const console: {{ log(text: string): void }};
const told: string[] = [];
const client = new Client({url!r}, {{ onContractChanged: (message) => told.push(message) }});
const answer = await client.predict([EXAMPLE]);
const label: "setosa" | "versicolor" | "virginica" | null | undefined = answer.predictions[0]?.label;
let refused = "";
try {{
  await client.predict([{{ ...EXAMPLE, sepal_length: "five" as unknown as number }}]);
}} catch (error) {{
  if (error instanceof Refused) refused = error.errors[0]?.field ?? "";
}}
console.log(JSON.stringify([label, refused, told, CONTRACT.length]));
"""


def test_the_typescript_client_compiles_strictly_and_predicts(tsc: Path, contract: Contract, url: str) -> None:
    main = CALLS.format(url=url)
    assert compiled(tsc, iris=typescript_client("iris", contract), odd=typescript_client("odd", ODD), main=main) == ""
    done = run("node", "made/main.js", cwd=tsc)
    assert json.loads(done.stdout) == ["versicolor", "instances[0].sepal_length", [], 64], done.stderr


def test_the_compiler_finds_a_wrong_field(tsc: Path, contract: Contract) -> None:
    wrong = 'import { Client } from "./iris.js";\nnew Client("http://x").predict([{ sepal_lenght: 5.1 }]);\n'
    assert "sepal_lenght" in compiled(tsc, iris=typescript_client("iris", contract), wrong=wrong)


FAILS = """
import {{ Client, Refused, Unreachable }} from "./iris.js";
declare const console: {{ log(text: string): void }};
declare const globalThis: {{ fetch: unknown }};
let asked = 0;
globalThis.fetch = async () => {{
  asked += 1;
  return new Response(JSON.stringify({{ message: "Forbidden", errors: ["no"] }}), {{ status: 403 }});
}};
const token = () => {{
  throw new Error("signed out");
}};
const caught: unknown[] = [];
await new Client("https://abc", {{ token }}).predict([]).catch((error) => caught.push(error));
await new Client("https://abc").predict([]).catch((error) => caught.push(error));
const [first, second] = caught as Error[];
console.log(JSON.stringify([asked, first instanceof Unreachable, String(first), String(second)]));
"""


def test_the_typescript_client_tells_a_failure_of_the_token_from_one_of_the_service(
    tsc: Path, contract: Contract
) -> None:
    assert compiled(tsc, iris=typescript_client("iris", contract), main=FAILS.format()) == ""
    done = run("node", "made/main.js", cwd=tsc)
    assert json.loads(done.stdout) == [1, False, "Error: signed out", "Refused: 403 Forbidden"], done.stderr


SIGNS = """
import {{ Client }} from "./iris.js";
declare const console: {{ log(text: string): void }};
declare const globalThis: {{ fetch: unknown; Date: unknown }};
const seen: string[] = [];
globalThis.fetch = async (_: string, init: {{ headers: Record<string, string> }}) => {{
  seen.push(init.headers["authorization"] ?? "", init.headers["x-amz-date"] ?? "");
  return new Response("{{}}", {{ status: 403 }});
}};
const credentials = {{ accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret", sessionToken: "token" }};
const client = new Client("https://abc.execute-api.eu-central-1.amazonaws.com/prod stage", {{
  aws: {{ region: "eu-central-1", credentials: () => credentials }},
}});
await client.predict([], {{ sets: true, explain: true }}).catch(() => undefined);
console.log(JSON.stringify(seen));
"""


def test_the_typescript_client_signs_as_botocore_does(
    tsc: Path, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore import auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    assert compiled(tsc, iris=typescript_client("iris", contract), main=SIGNS.format()) == ""
    authorization, date = json.loads(run("node", "made/main.js", cwd=tsc).stdout)

    then = datetime.strptime(f"{date}+0000", "%Y%m%dT%H%M%SZ%z")
    monkeypatch.setattr(auth, "get_current_datetime", lambda *_, **__: then)
    url = "https://abc.execute-api.eu-central-1.amazonaws.com/prod%20stage/predict?set=true&explain=true"
    headers = {"accept": "application/json", "content-type": "application/json"}
    request = AWSRequest("POST", url, headers, b'{"instances":[]}')
    auth.SigV4Auth(Credentials("AKIDEXAMPLE", "secret", "token"), "execute-api", "eu-central-1").add_auth(request)
    assert authorization == request.headers["Authorization"]


def test_the_api_keeps_what_its_openapi_document_says(url: str, tmp_path: Path) -> None:
    done = run(
        PROGRAMS / "schemathesis",
        *("--config-file", PACKAGES / "schemathesis.toml"),
        *("run", f"{url}/openapi.json", "--max-examples", "30", "--generation-deterministic", "--no-color"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout
