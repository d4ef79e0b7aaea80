"""`ridealong doctor`, on a healthy installation and with one thing broken at a time."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from rich.console import Console

from ridealong.app.doctor import Check, Outcome, run_checks, run_doctor, show_checks
from ridealong.config import Settings

# Nobody listens on the discard port: refused at once, so these tests need no database.
NO_DATABASE = SecretStr("postgresql://owner:s3cret@127.0.0.1:9/ridealong")


async def checked(tmp_path: Path, **changes: Any) -> dict[str, Check]:
    models = tmp_path / "models"
    models.mkdir(exist_ok=True)
    (models / "minilm-int8-2-0123.onnx").touch()
    values = {"data_dir": tmp_path / "data", "models_dir": models, "port": 0, "database_url": NO_DATABASE, **changes}
    return {check.name: check for check in await run_checks(Settings(**values))}


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


async def test_every_part_of_this_installation_is_found(tmp_path: Path) -> None:
    checks = await checked(tmp_path)
    for name in ("python", "speech recogniser", "voice activity", "onnxruntime", "sentence model", "model cache"):
        assert checks[name].outcome is Outcome.OK, checks[name]
    assert "speaker model" in checks["speech recogniser"].message


async def test_the_embedded_database_is_opened_and_its_role_is_confined(tmp_path: Path) -> None:
    checks = await checked(tmp_path, database_url=None)
    assert checks["embedded database"].outcome is Outcome.OK
    assert checks["database"].outcome is Outcome.OK, checks["database"]
    assert "pgvector" in checks["database"].message
    assert "confined" in checks["database"].message


async def test_a_database_that_does_not_answer_fails_without_showing_its_password(tmp_path: Path) -> None:
    checks = await checked(tmp_path)
    assert checks["database"].outcome is Outcome.FAIL
    assert "RIDEALONG_DATABASE_URL" in checks["database"].message
    assert "s3cret" not in repr(checks)
    assert "embedded database" not in checks


async def test_an_unknown_transcriber_fails_and_the_known_ones_are_named(tmp_path: Path) -> None:
    check = (await checked(tmp_path, transcriber="parrot"))["transcriber"]
    assert check.outcome is Outcome.FAIL
    assert "parrot" in check.message
    assert "local" in check.message


async def test_models_that_are_not_built_yet_are_a_warning(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    check = (await checked(tmp_path, models_dir=empty))["model cache"]
    assert check.outcome is Outcome.WARN
    assert "ridealong.app.build" in check.message


async def test_a_data_directory_that_cannot_be_made_fails(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    check = (await checked(tmp_path, data_dir=in_the_way / "data"))["data directory"]
    assert check.outcome is Outcome.FAIL
    assert "RIDEALONG_DATA_DIR" in check.message


async def test_the_data_directory_is_left_as_it_was(tmp_path: Path) -> None:
    check = (await checked(tmp_path))["data directory"]
    assert check.outcome is not Outcome.FAIL
    assert list((tmp_path / "data").iterdir()) == []


async def test_a_port_in_use_is_a_warning_and_a_free_one_is_not(tmp_path: Path, taken_port: int) -> None:
    check = (await checked(tmp_path, port=taken_port))["port"]
    assert check.outcome is Outcome.WARN
    assert "RIDEALONG_PORT" in check.message
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    assert (await checked(tmp_path, port=free))["port"].outcome is Outcome.OK


async def test_an_address_of_another_machine_fails(tmp_path: Path) -> None:
    # 192.0.2.0/24 is set aside for documentation: no machine has it.
    check = (await checked(tmp_path, host="192.0.2.1", port=8790))["port"]
    assert check.outcome is Outcome.FAIL


async def test_the_doctor_says_no_when_one_check_failed(tmp_path: Path) -> None:
    stream = io.StringIO()
    settings = Settings(data_dir=tmp_path, port=0, database_url=NO_DATABASE)
    assert not await run_doctor(settings, Console(file=stream))
    assert "fail database: external:" in stream.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_messages_are_shown_as_they_are(terminal: bool) -> None:
    stream = io.StringIO()
    checks = [Check(name="a [b]", outcome=Outcome.WARN, message="do [red]this[/] now")]
    show_checks(checks, Console(file=stream, force_terminal=terminal, width=80, _environ={"TERM": "xterm"}))
    assert "a [b]" in stream.getvalue()
    assert "do [red]this[/] now" in stream.getvalue()
