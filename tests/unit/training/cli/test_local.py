"""The service as a process of its own, and the port it needs."""

import os
import socket
import sys
from pathlib import Path

import pytest

from skylift.errors import ConfigError
from tests.support.broken_servers import cut_off_server, silent_server
from tests.support.ports import free_port
from training.cli import local
from training.cli.local import LocalService, ServiceFailed, check_port

LOG = Path("service.log")
POSIX_ONLY = pytest.mark.skipif(os.name != "posix", reason="POSIX only: its shell, its signals, its TIME_WAIT")


@pytest.fixture(autouse=True)
def _folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


class TestPort:
    def test_a_free_port_is_accepted(self) -> None:
        check_port(free_port())

    @pytest.mark.parametrize("address", ["127.0.0.1", pytest.param("0.0.0.0", marks=POSIX_ONLY)])
    def test_a_port_that_something_listens_on_is_refused(self, address: str) -> None:
        said = r"cannot be opened \(.+\): choose another"
        with socket.create_server((address, 0)) as taken, pytest.raises(ConfigError, match=said):
            check_port(taken.getsockname()[1])

    @POSIX_ONLY
    def test_a_port_whose_last_connection_just_ended_is_accepted(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            with socket.create_connection(("127.0.0.1", port)) as client:
                server.accept()[0].close()  # the side that closes first waits in TIME_WAIT
                assert client.recv(1) == b""

        check_port(port)

    def test_another_port_that_can_be_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with socket.socket() as taken:
            try:
                taken.bind(("127.0.0.1", 65535))
                taken.listen()
            except OSError:
                pass  # taken by another process, which serves as well
            with pytest.raises(ConfigError) as caught:
                check_port(65535)

        assert "65536" not in str(caught.value)


class TestService:
    @pytest.mark.parametrize(("given", "used"), [((), "127.0.0.1"), (("0.0.0.0",), "0.0.0.0")])
    def test_it_listens_where_it_is_told(
        self, monkeypatch: pytest.MonkeyPatch, given: tuple[str, ...], used: str
    ) -> None:
        command = [sys.executable, "-c", "import sys; print(*sys.argv)"]
        monkeypatch.setattr(local, "service_command", lambda _: command)

        with LocalService(free_port(), LOG, *given) as service:
            service.wait()

        assert f"--host {used} " in LOG.read_text(encoding="utf-8")

    def test_a_service_that_ends_at_once_is_told_with_its_code_and_its_log(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        command = [sys.executable, "-c", "import sys; print('no model'); sys.exit(3)"]
        monkeypatch.setattr(local, "service_command", lambda _: command)

        with (
            LocalService(free_port(), LOG) as service,
            pytest.raises(ServiceFailed, match=r"ended with code 3: see service\.log"),
        ):
            service.wait_until_ready()

        assert LOG.read_text(encoding="utf-8").strip() == "no model"

    def test_a_service_that_never_answers_is_given_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(local, "service_command", lambda _: [sys.executable, "-c", "import time; time.sleep(60)"])
        monkeypatch.setattr(local, "_START_SECONDS", 0.2)

        with LocalService(free_port(), LOG) as service, pytest.raises(ServiceFailed, match="was not ready"):
            service.wait_until_ready()

    def test_one_that_takes_connections_and_never_answers_is_given_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(local, "service_command", lambda _: [sys.executable, "-c", "import time; time.sleep(60)"])
        monkeypatch.setattr(local, "_START_SECONDS", 0.2)

        with silent_server() as server, LocalService(server.port, LOG) as service:
            with pytest.raises(ServiceFailed, match="was not ready"):
                service.wait_until_ready()
            with pytest.raises(ServiceFailed, match=r"does not answer /predict \(timed out\): see service\.log"):
                service.ask("/predict", {})

    def test_an_answer_that_is_cut_off_is_a_failure_of_the_service(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(local, "service_command", lambda _: [sys.executable, "-c", "import time; time.sleep(60)"])

        with (
            cut_off_server() as port,
            LocalService(port, LOG) as service,
            pytest.raises(ServiceFailed, match="does not answer /predict"),
        ):
            service.ask("/predict", {})

    @POSIX_ONLY
    def test_a_service_that_ignores_the_request_to_end_is_ended(self, monkeypatch: pytest.MonkeyPatch) -> None:
        code = (
            "import signal, time, pathlib; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
            "pathlib.Path('deaf').touch(); time.sleep(60)"
        )
        monkeypatch.setattr(local, "service_command", lambda _: [sys.executable, "-c", code])
        monkeypatch.setattr(local, "_STOP_SECONDS", 0.1)

        with LocalService(free_port(), LOG) as service:
            while not Path("deaf").exists():
                assert service._process.poll() is None

        assert service.wait() == -9
