"""Where CloudFormation takes the answers of a custom resource: an address on the loopback."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any


class CloudFormationAnswers:
    """Where answers are put.

    Attributes
    ----------
    answers
        Answers received, with their declared content type.
    refusals
        How many more puts are refused.
    """

    def __init__(self) -> None:
        self.answers: list[dict[str, Any]] = []
        self.content_types: list[str | None] = []
        self.refusals = 0
        self.puts = 0
        answers = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                answers.puts += 1
                refused = answers.refusals > 0
                if refused:
                    answers.refusals -= 1
                else:
                    answers.answers.append(json.loads(body))
                    answers.content_types.append(self.headers["content-type"])
                self.send_response(503 if refused else 200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/answer?X-Amz-Signature=1"
