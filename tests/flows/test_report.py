"""A month is counted day by day, in UTC, and names nobody."""

from datetime import UTC, datetime

import pytest

from tests.flows.desks import ACTOR, Office
from vestibule.core.journal import Entry, EntryKind
from vestibule.core.ports import Writing
from vestibule.core.reasons import Reason
from vestibule.flows import report
from vestibule.flows.refused import Refused


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def entry(when: str, reason: Reason | None = None, client: str = "vpn", method: str = "totp") -> Entry:
    return Entry(
        at(when),
        EntryKind.SIGN_IN,
        "sign_in",
        user_name="alice",
        client_id=client,
        method=method,
        accepted=reason is None,
        reason=reason,
    )


async def note(office: Office, *entries: Entry) -> None:
    def act(writing: Writing) -> None:
        for one in entries:
            writing.note(one)

    await office.store.change(act)


async def test_a_month_is_counted_by_day_method_client_and_reason(office: Office) -> None:
    office.clock.at = at("2026-03-20T12:00")
    await note(
        office,
        entry("2026-01-31T23:59:59"),
        entry("2026-02-01T00:00"),
        entry("2026-02-01T12:00", client="mail"),
        entry("2026-02-28T23:59:59", Reason.WRONG_CODE),
        entry("2026-02-28T23:59:59", Reason.WRONG_CODE, client="mail"),
        entry("2026-02-28T23:59:59", Reason.UNKNOWN_USER, method=""),
        entry("2026-03-01T00:00"),
        Entry(at("2026-02-02T00:00"), EntryKind.ADMINISTRATION, "user.add", client_id="vpn"),
    )
    steps: list[tuple[int, int | None]] = []
    told = await report.monthly(
        office.desk, ACTOR, month="2026-02", progress=lambda done, total: steps.append((done, total))
    )
    days = {day.pop("day"): day for day in told.pop("days")}
    assert (len(days), steps[-1]) == (28, (28, 28))
    assert days.pop("2026-02-01") == {"accepted": 2, "refused": 0}
    assert days.pop("2026-02-28") == {"accepted": 0, "refused": 3}
    assert all(day == {"accepted": 0, "refused": 0} for day in days.values())
    assert told == {
        "month": "2026-02",
        "accepted": 2,
        "refused": 3,
        "methods": [{"method": "", "accepted": 0, "refused": 1}, {"method": "totp", "accepted": 2, "refused": 2}],
        "clients": [{"client": "mail", "accepted": 1, "refused": 1}, {"client": "vpn", "accepted": 1, "refused": 2}],
        "reasons": [{"reason": "wrong_code", "refused": 2}, {"reason": "unknown_user", "refused": 1}],
    }


async def test_days_that_are_yet_to_come_are_left_out(office: Office) -> None:
    office.clock.at = at("2026-12-02T00:00")
    told = await report.monthly(office.desk, ACTOR, month="2026-12")
    assert [day["day"] for day in told["days"]] == ["2026-12-01", "2026-12-02"]
    assert (await report.monthly(office.desk, ACTOR, month="2027-01"))["days"] == []


@pytest.mark.parametrize("month", ["", "2026", "2026-13", "2026-00", "2026-1", "1969-12", "2026-01-01", "२०२६-०१"])
async def test_only_a_month_is_taken(office: Office, month: str) -> None:
    with pytest.raises(Refused, match="2027-01"):
        await report.monthly(office.desk, ACTOR, month=month)
