"""asn1tools as an independent judge: what we write it reads, and what it writes we read."""

from hypothesis import given
from hypothesis import strategies as st

from tests.wire.ldap_samples import MESSAGES, NUMBERS, OCTETS, judge, judged
from vestibule.wire.ldap.codec import decode, encode
from vestibule.wire.ldap.controls import (
    DIR_SYNC,
    PAGED_RESULTS,
    Page,
    PolicyError,
    PolicyNews,
    SyncFlag,
    Synchronised,
    dir_sync,
    paged,
    policy_news,
    read_dir_sync,
    read_page,
    read_policy,
)
from vestibule.wire.ldap.messages import Control, Message

ERRORS = ("expired", "locked", "changeAfterReset", "notAllowed", "oldNeeded", "quality", "short", "young", "history")


@given(MESSAGES)
def test_asn1tools_reads_what_we_write(message: Message) -> None:
    assert judge().decode("Message", encode(message)) == judged(message)


@given(MESSAGES)
def test_we_read_what_asn1tools_writes(message: Message) -> None:
    assert decode(judge().encode("Message", judged(message))) == message


@given(MESSAGES)
def test_what_we_write_we_read(message: Message) -> None:
    assert decode(encode(message)) == message


@given(NUMBERS, OCTETS)
def test_the_control_of_pages_is_the_judges_too(size: int, cookie: bytes) -> None:
    octets = judge().encode("Page", {"size": size, "cookie": cookie})
    assert paged(Page(size, cookie)) == Control(PAGED_RESULTS, True, octets)
    assert read_page(Control(PAGED_RESULTS, value=octets)) == Page(size, cookie)


@given(st.none() | NUMBERS, st.none() | NUMBERS, st.none() | st.sampled_from(PolicyError))
def test_the_control_of_the_password_policy_is_the_judges_too(
    seconds: int | None, binds: int | None, error: PolicyError | None
) -> None:
    news = PolicyNews(seconds, None if seconds is not None else binds, error)
    told: dict[str, object] = {} if error is None else {"error": ERRORS[error]}
    if news.seconds_left is not None:
        told["warning"] = ("secondsLeft", news.seconds_left)
    elif news.grace_binds is not None:
        told["warning"] = ("graceBinds", news.grace_binds)
    octets = judge().encode("Policy", told)
    assert policy_news(news).value == octets
    assert read_policy(policy_news(news)) == news


@given(st.sampled_from([SyncFlag.NONE, SyncFlag.INCREMENTAL_VALUES | SyncFlag.ANCESTORS_FIRST]), OCTETS)
def test_the_control_of_dirsync_is_the_judges_too(flags: SyncFlag, cookie: bytes) -> None:
    asked = dir_sync(cookie, flags, 1000)
    assert asked.value == judge().encode("DirSync", {"flags": flags, "size": 1000, "cookie": cookie})
    answered = judge().encode("DirSync", {"flags": 1, "size": 0, "cookie": cookie})
    assert read_dir_sync(Control(DIR_SYNC, value=answered)) == Synchronised(more=True, cookie=cookie)
