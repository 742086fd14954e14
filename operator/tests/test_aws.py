"""The clients of SQS and DynamoDB: every failure reaches whoever waits, and no call keeps a process that ends."""

import asyncio
import socket
import subprocess
import sys
import threading
from typing import Any

import pytest
from services import Service

from logscan_api.errors import UntrustedResultError
from logscan_api.results import ScanResult
from logscan_api.signatures import signed, tokens
from logscan_api.statuses import ResultRef
from logscan_local.stack import aws
from logscan_local.stack.aws import Resources
from logscan_local.stack.ports import free_ports
from logscan_local.testkit.results import RESULT
from logscan_operator.aws import Queue, ResultReader
from logscan_operator.calls import in_a_thread
from logscan_operator.errors import AwsError

KEYS = [b"k" * 32]
REF = ResultRef(table="results", pk="p", sk="s")


async def test_rows_that_are_asked_for_together_are_read_in_one_call(service: Service) -> None:
    row = signed(RESULT.to_item(), *tokens(KEYS, RESULT.ref))
    service.answer = {"Responses": {RESULT.ref.table: [row]}, "UnprocessedKeys": {}}
    reader, other = ResultReader(KEYS), RESULT.ref.model_copy(update={"sk": "absent"})
    first, second, absent = await asyncio.gather(*map(reader.read, (RESULT.ref, RESULT.ref, other)))
    assert (first, second, absent) == (RESULT, RESULT, None)
    (asked,) = service.asked
    assert len(asked["RequestItems"][RESULT.ref.table]["Keys"]) == 2


@pytest.mark.parametrize("key", [None, b"o" * 32], ids=["unsigned", "another key"])
async def test_a_row_that_is_not_signed_for_its_scan_is_not_believed(service: Service, key: bytes | None) -> None:
    row = RESULT.to_item()
    service.answer = {"Responses": {REF.table: [signed(row, *tokens([key], REF)) if key else row]}}
    with pytest.raises(UntrustedResultError, match="find out who may write the table"):
        await ResultReader(KEYS).read(REF)
    unreadable = {"pk": row["pk"], "sk": row["sk"], "status": {"S": "done"}}  # would end the scan for good, if believed
    service.answer = {"Responses": {REF.table: [unreadable]}}
    with pytest.raises(UntrustedResultError):
        await ResultReader(KEYS).read(REF)


async def test_a_row_that_the_previous_key_signed_is_believed(service: Service) -> None:
    service.answer = {"Responses": {REF.table: [signed(RESULT.to_item(), *tokens(KEYS, REF))]}}
    assert await ResultReader([b"n" * 32, *KEYS]).read(REF) == RESULT


@pytest.mark.parametrize(
    "answer", [{"Responses": {"results": [{"pk": {"S": "p"}}]}}, {"Responses": None}], ids=["no key", "no rows"]
)
async def test_an_answer_that_cannot_be_read_leaves_nobody_waiting(service: Service, answer: dict[str, Any]) -> None:
    service.answer = answer
    reader = ResultReader(KEYS)
    async with asyncio.timeout(20):
        results = await asyncio.gather(reader.read(REF), reader.read(REF), return_exceptions=True)
    assert all(isinstance(result, Exception) for result in results)
    service.answer = {"Responses": {"results": []}}
    assert await reader.read(REF) is None, "the reader goes on"


async def test_one_row_that_breaks_the_reader_keeps_no_other_from_its_answer(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever error the reading of a row ends in: who waits for another row of the batch gets it."""
    read = ScanResult.from_item

    def broken(table: str, item: Any) -> ScanResult | None:
        if item["sk"]["S"] == "bad":
            raise AttributeError("no such thing")
        return read(table, item)

    monkeypatch.setattr(ScanResult, "from_item", broken)
    refs = [REF.model_copy(update={"sk": name}) for name in ("bad", "good")]
    rows = [signed(RESULT.model_copy(update={"ref": ref}).to_item(), tokens(KEYS, ref)[0]) for ref in refs]
    service.answer = {"Responses": {"results": rows}}
    reader = ResultReader(KEYS)
    async with asyncio.timeout(20):
        bad, good = await asyncio.gather(*(reader.read(ref) for ref in refs), return_exceptions=True)
    assert isinstance(bad, AttributeError)
    assert isinstance(good, ScanResult)


@pytest.mark.emulator
async def test_one_key_that_dynamodb_refuses_keeps_no_other_from_its_answer(
    emulator: Resources, environment: pytest.MonkeyPatch
) -> None:
    for name, value in {**aws.ADMINISTRATOR.environment(), "AWS_ENDPOINT_URL": emulator.endpoint}.items():
        environment.setenv(name, value)
    good = REF.model_copy(update={"table": emulator.table})
    bad = [good.model_copy(update={"sk": "s" * 1025}), good.model_copy(update={"table": "no-such-table"})]
    item = signed(RESULT.model_copy(update={"ref": good}).to_item(), *tokens(KEYS, good))
    dynamodb = aws.client("dynamodb", emulator.endpoint)
    dynamodb.put_item(TableName=emulator.table, Item=item)
    dynamodb.close()
    reader = ResultReader(KEYS)
    refs = [bad[0], good, bad[1], good.model_copy(update={"sk": "absent"})]
    long, found, missing, absent = await asyncio.gather(*map(reader.read, refs), return_exceptions=True)
    assert isinstance(found, ScanResult)
    assert absent is None
    for error in (long, missing):
        assert isinstance(error, AwsError)


async def test_a_refusal_has_the_code_of_the_service(service: Service) -> None:
    service.status, service.answer = 400, {"__type": "x#ResourceNotFoundException", "message": "no such table"}
    with pytest.raises(AwsError, match="no such table") as caught:
        await ResultReader(KEYS).read(REF)
    assert caught.value.code == "ResourceNotFoundException"


async def test_a_service_that_is_not_there_has_none(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_ports(1)[0]}")
    for call in (Queue("http://q", 0, 10).receive(), ResultReader(KEYS).read(REF)):
        with pytest.raises(AwsError) as caught:
            await call
        assert (caught.value.code, caught.value.__cause__ is not None) == ("", True)


RECEIVE = """
import asyncio
from logscan_operator.aws import Queue

async def receive_and_give_up():
    receiving = asyncio.create_task(Queue("http://q", 20, 30).receive())
    await asyncio.wait([receiving], timeout=0.5)
    assert not receiving.done()

asyncio.run(receive_and_give_up())
"""


def test_a_call_that_hangs_does_not_keep_the_process(environment: pytest.MonkeyPatch) -> None:
    """A process that has lost the lead ends, though its queue is silent."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        environment.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        ended = subprocess.run([sys.executable, "-c", RECEIVE], timeout=20, check=False)  # the call takes 35 s
    assert ended.returncode == 0


async def test_calls_one_after_the_other_share_a_thread_and_those_at_once_do_not() -> None:
    both = threading.Barrier(2)

    def met() -> int:
        both.wait(20)
        return threading.get_ident()

    at_once = await asyncio.gather(in_a_thread(met), in_a_thread(met))
    assert len(set(at_once)) == 2
    for _ in range(9):
        assert await in_a_thread(threading.get_ident) in _named("aws")
    before = _named("aws")
    for _ in range(9):
        await in_a_thread(threading.get_ident)
    assert _named("aws") == before


def _named(name: str) -> set[int | None]:
    return {thread.ident for thread in threading.enumerate() if thread.name == name}
