"""A process with the durable function `staged`, to kill: `python -m tests.support.durable_program STORE FOLDER`.

Each step of the function appends its name to `FOLDER/steps`; between the first and the second it waits for a second,
and after that for an answer to the callback whose id is in `FOLDER/callback`.
"""

import sys
from pathlib import Path
from typing import Any

from aws_durable_execution_sdk_python import DurableContext, durable_execution
from aws_durable_execution_sdk_python.config import Duration, WaitForCallbackConfig

from local_durable.lambda_service import Handler, LambdaService


def staged(folder: Path, *, patience: int = 600) -> Handler:
    """The function.

    Parameters
    ----------
    patience
        Seconds that it waits for its callback.
    """

    def noted(name: str) -> str:
        with (folder / "steps").open("a") as file:
            file.write(f"{name}\n")
        return name

    def give_away(callback_id: str, _: object) -> None:
        (folder / "callback").write_text(callback_id)

    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        first = context.step(lambda _: noted("first"), name="first")
        context.wait(Duration.from_seconds(1), name="pause")
        second = context.step(lambda _: noted("second"), name="second")
        answer = context.wait_for_callback(
            give_away,
            name="answer",
            config=WaitForCallbackConfig(timeout=Duration.from_seconds(patience)),
        )
        return [event, first, second, answer]

    return handler


def main() -> None:
    """Serve until the process is killed."""
    store, folder = map(Path, sys.argv[1:])
    with LambdaService(store, {"staged": staged(folder)}) as service:
        print(service.port, flush=True)  # noqa: T201 (to the test)
        service.resume()
        sys.stdin.read()


if __name__ == "__main__":
    main()
