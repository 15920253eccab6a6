"""The pages on providers say what the code does: examples run, and settings and codes are those that there are."""

import asyncio
import os
import re
import sys
import time
import tomllib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pydantic import BaseModel

from tests.channels.fakes.webhook import SECRET
from tests.conformance.provider_suite import NUMBER, TEXT, free_port, outgoing, soon
from tests.house.sources import ROOT
from vestibule.apps.channels.http import AskingForm, HttpKind, HttpProviderForm
from vestibule.apps.channels.kannel import KannelForm
from vestibule.apps.channels.smpp import SmppForm
from vestibule.apps.channels.smtp import SmtpForm
from vestibule.apps.channels.telnyx import TelnyxForm
from vestibule.apps.channels.twilio import TwilioForm
from vestibule.apps.channels.webhook import WebhookForm
from vestibule.channels.exchange import HttpExchange
from vestibule.channels.http_form import PLACES
from vestibule.channels.telnyx.account import FAULTS as TELNYX_FAULTS
from vestibule.channels.twilio.account import FAULTS as TWILIO_FAULTS
from vestibule.channels.webhook import Webhook, WebhookSettings
from vestibule.core.delivery import Fault, Medium, Outcome
from vestibule.core.secret import Secret

PAGES = ROOT / "docs" / "channels"
FORMS: Mapping[str, type[BaseModel]] = {
    "webhook": WebhookForm,
    "http": HttpProviderForm,
    "kannel": KannelForm,
    "smpp": SmppForm,
    "smtp": SmtpForm,
    "telnyx": TelnyxForm,
    "twilio": TwilioForm,
}
WORDS = {
    "the number can not be reached": Fault.DESTINATION,
    "policy": Fault.POLICY,
    "configuration": Fault.CONFIGURATION,
    "again here": Fault.SAME,
    "the next provider": Fault.OTHER,
}


def page(name: str) -> str:
    return (PAGES / f"{name}.md").read_text(encoding="utf-8")


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page(name), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", FORMS)
def test_every_setting_stands_on_the_page_of_its_kind(name: str) -> None:
    fields = set(FORMS[name].model_fields) - {"request", "answer", "hook"}
    missing = [field for field in fields if f"`{field}`" not in page(name)]
    assert not missing, f"docs/channels/{name}.md does not tell of {', '.join(missing)}"


def test_every_part_of_a_request_by_configuration_stands_on_its_page() -> None:
    names = {field.alias or name for name, field in AskingForm.model_fields.items()}
    assert not [name for name in names if f".{name}`" not in page("http") and f"`.{name}`" not in page("http")]
    assert not [place for place in PLACES if f"`{{{place}}}`" not in page("http")]


@pytest.mark.parametrize(("name", "faults"), [("twilio", TWILIO_FAULTS), ("telnyx", TELNYX_FAULTS)])
def test_the_codes_on_a_page_mean_what_the_code_says(name: str, faults: Mapping[str, Fault]) -> None:
    rows = re.findall(r"^\| ([0-9][^|]*) \| ([^|]*) \|$", page(name), re.MULTILINE)
    told = {
        code: fault
        for codes, meaning in rows
        for words, fault in WORDS.items()
        if meaning.startswith(words)
        for code in re.findall(r"\b\d{5}\b", codes)
    }
    known = {code: fault for code, fault in faults.items() if name == "twilio" or not code.startswith("20")}
    assert told == known


@pytest.mark.parametrize("text", blocks("http", "toml"), ids=["json", "form"])
def test_an_example_of_configuration_can_be_set_up(text: str) -> None:
    settings = HttpKind().checked("gateway", tomllib.loads(text), Secret.of("key"))
    assert settings["request"]["url"].startswith("https://")


@asynccontextmanager
async def receiver(folder: Path) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """The program of the page, as it stands there."""
    (program,) = blocks("webhook", "python")
    (folder / "receiver.py").write_text(program)
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(folder / "receiver.py"),
        env={**os.environ, "WEBHOOK_SECRET": SECRET, "PORT": str(port)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(20):
            while not await listens(port):
                assert process.returncode is None
        yield f"http://127.0.0.1:{port}/texts", process
    finally:
        process.terminate()
        await process.communicate()


async def listens(port: int) -> bool:
    try:
        _reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


def test_the_receiver_of_the_page_has_about_thirty_lines() -> None:
    (program,) = blocks("webhook", "python")
    assert len([line for line in program.splitlines() if line.strip()]) <= 33


async def test_the_receiver_of_the_page_carries_a_text_once(tmp_path: Path) -> None:
    async with receiver(tmp_path) as (url, process):
        provider = Webhook(WebhookSettings(url, Secret.of(SECRET)), HttpExchange(), "", time.time)
        first, again = [await provider.send(outgoing(Medium.TEXT), soon()) for _ in range(2)]
        wrong = Webhook(WebhookSettings(url, Secret.of("another secret of both")), HttpExchange(), "", time.time)
        late = Webhook(WebhookSettings(url, Secret.of(SECRET)), HttpExchange(), "", lambda: time.time() - 400)
        refused = [await one.send(outgoing(Medium.TEXT), soon()) for one in (wrong, late)]
        for one in (provider, wrong, late):
            await one.close()
        assert process.stdout is not None
        said = await process.stdout.readline()
    assert (first.outcome, first.reference, again.reference) == (Outcome.ACCEPTED, "m1", "m1")
    assert said.decode() == f"to {NUMBER} – {TEXT}\n"
    assert [(sent.fault, sent.code) for sent in refused] == [(Fault.CONFIGURATION, "signature")] * 2
