"""Administration of groups, and of the attributes that their members are let in with."""

import pytest

from tests.flows.desks import ACTOR, Office
from vestibule.core.ports import Writing
from vestibule.core.users import User
from vestibule.flows import groups, policy, users
from vestibule.flows.refused import Refused

FILTER = [["Filter-Id", "staff"], ["Tunnel-Type:1", "VLAN"]]


async def test_a_group_is_added_changed_and_listed(office: Office) -> None:
    await groups.add(office.desk, ACTOR, name="b-staff", description="People", reply_attributes=FILTER)
    await groups.add(office.desk, ACTOR, name="a-guests")
    told = await groups.change(office.desk, ACTOR, name="a-guests", description="Few")
    assert told == {"group": {"name": "a-guests", "description": "Few", "reply_attributes": []}}
    told = await groups.change(office.desk, ACTOR, name="b-staff", reply_attributes=FILTER[:1])
    assert told["group"] == {"name": "b-staff", "description": "People", "reply_attributes": [["Filter-Id", "staff"]]}
    listed = (await groups.listed(office.desk, ACTOR))["groups"]
    assert [group["name"] for group in listed] == ["a-guests", "b-staff"]
    assert await office.actions() == ["group.add", "group.add", "group.set", "group.set"]


@pytest.mark.parametrize(
    ("pairs", "text"),
    [
        ([["Filter-ID-", "x"]], "no such attribute"),
        ([["Tunnel-Type", "none"]], "named values"),
        ([["Filter-Id"]], "a name and a value"),
        ([["Reply-Message", ""]], "empty"),
        ([["Framed-IP-Address", "here"]], "not an IPv4 address"),
    ],
)
async def test_an_attribute_that_can_not_be_sent_is_refused_with_what_is_wrong(
    office: Office, pairs: list[list[str]], text: str
) -> None:
    await groups.add(office.desk, ACTOR, name="staff")
    for asked in (
        groups.add(office.desk, ACTOR, name="others", reply_attributes=pairs),
        groups.change(office.desk, ACTOR, name="staff", reply_attributes=pairs),
    ):
        with pytest.raises(Refused, match=text) as refused:
            await asked
        assert refused.value.fields == ("reply_attributes",)
    assert await office.actions() == ["group.add"]


@pytest.mark.parametrize("name", ["", "staff", "a;b", "a\tb", "x" * 257])
async def test_a_name_that_can_not_be_is_refused(office: Office, name: str) -> None:
    await groups.add(office.desk, ACTOR, name="staff")
    with pytest.raises(Refused) as refused:
        await groups.add(office.desk, ACTOR, name=name)
    assert refused.value.fields == ("name",)


async def test_a_removed_group_has_no_members_any_more(office: Office) -> None:
    await groups.add(office.desk, ACTOR, name="staff")
    await groups.add(office.desk, ACTOR, name="admins")

    def act(writing: Writing) -> None:
        for i in range(450):
            writing.put(User(f"{i:03}", f"user {i}", f"user {i}", groups=("staff", "admins") if i % 2 else ()))

    await office.store.change(act)
    told: list[tuple[int, int | None]] = []
    removed = await groups.remove(
        office.desk, ACTOR, name="staff", progress=lambda done, total: told.append((done, total))
    )
    assert removed == {"removed": "staff", "members": 225}
    assert told == [(200, 450), (400, 450), (450, 450)]
    left = await office.store.read(lambda reading: reading.page(User, "", 999))
    assert {user.groups for user in left} == {(), ("admins",)}
    assert [one["name"] for one in (await groups.listed(office.desk, ACTOR))["groups"]] == ["admins"]


async def test_a_group_that_a_rule_names_stays(office: Office) -> None:
    await groups.add(office.desk, ACTOR, name="staff")
    await users.add(office.desk, ACTOR, name="alice", groups=["staff"])
    await policy.add(office.desk, ACTOR, name="staff only", outcome="deny", groups=["staff"])
    with pytest.raises(Refused, match="staff only"):
        await groups.remove(office.desk, ACTOR, name="staff")
    assert (await users.show(office.desk, ACTOR, name="alice"))["user"]["groups"] == ["staff"]


async def test_what_is_asked_about_no_group_is_refused(office: Office) -> None:
    for asked in (
        groups.change(office.desk, ACTOR, name="none", description="x"),
        groups.remove(office.desk, ACTOR, name="none"),
    ):
        with pytest.raises(Refused, match="There is no group none"):
            await asked
