"""The policy: its rules in order, and what it says about somebody."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from vestibule.core.api_keys import Right
from vestibule.core.ports import Reading
from vestibule.flows import policy
from vestibule.flows.desk import Told
from vestibule.flows.refused import Missing
from vestibule.flows.views import rule_told
from vestibule.frontends.http import shown as shapes
from vestibule.frontends.http.fields import Body, Id, Name, Text
from vestibule.frontends.http.work import Represent, Work, Written, answer, right, shown

router = APIRouter(prefix="/policy", tags=["Policy"])

Reader = Annotated[Work, right(Right.POLICY_READ)]
Writer = Annotated[Work, right(Right.POLICY_WRITE)]
Names = Annotated[list[Name], Field(max_length=1000)]


class NewRule(Body):
    """A rule; an empty condition matches everything."""

    name: Name
    outcome: shapes.Outcome
    clients: Names = Field(default_factory=list)
    groups: Names = Field(default_factory=list)
    networks: Names = Field(default_factory=list)
    methods: Names = Field(default_factory=list, description="Second factors that are good enough.")
    position: int | None = Field(None, ge=1, le=1000, description="1 is the first; the last otherwise.")


class NewPosition(Body):
    """Where the rule is to stand; 1 is the first."""

    position: int = Field(ge=1, le=1000)


class Asked(Body):
    """Who would sign in, through which client, from where."""

    user: Name
    client: Name
    address: Text | None = None


@router.get("/rules", operation_id="listRules", summary="List rules", response_model=shapes.Rules)
async def list_rules(work: Reader) -> Response:
    """All rules in order, and what holds when none matches."""
    return answer(await work.tell(policy.listed))


@router.post("/rules", operation_id="addRule", summary="Add a rule", status_code=201, response_model=shapes.RuleTold)
async def add_rule(work: Writer, body: NewRule, how: Written) -> Response:
    """Add a rule. The first rule that matches a sign-in speaks."""
    return await work.write(policy.add, how, status=201, **body.arguments())


@router.post("/test", operation_id="testPolicy", summary="Try the policy", response_model=shapes.PolicyTried)
async def test_policy(work: Reader, body: Asked) -> Response:
    """What would be asked, and which rule says so."""
    return answer(await work.tell(policy.try_out, **body.arguments()))


@router.get("/rules/{name:path}", operation_id="getRule", summary="Show a rule", response_model=shapes.RuleTold)
async def get_rule(work: Reader, name: Id) -> Response:
    """One rule."""
    told = await work.desk.store.read(lambda reading: _rule(reading, name))
    return shown({"rule": told}, told)


@router.patch("/rules/{name:path}", operation_id="moveRule", summary="Move a rule", response_model=shapes.Rules)
async def move_rule(work: Writer, name: Id, body: NewPosition, how: Written) -> Response:
    """Put a rule at another position."""
    return await work.write(policy.move, how, _of(name), name=name, **body.arguments())


@router.delete("/rules/{name:path}", operation_id="removeRule", summary="Remove a rule", response_model=shapes.Removed)
async def remove_rule(work: Writer, name: Id, how: Written) -> Response:
    """Remove a rule."""
    return await work.write(policy.remove, how, _of(name), name=name)


def _of(name: str) -> Represent:
    return lambda reading: _rule(reading, name)


def _rule(reading: Reading, name: str) -> Told:
    for place, rule in enumerate(policy.in_order(reading), start=1):
        if rule.name == name:
            return rule_told(rule, place)
    raise Missing(f"There is no rule {name}. Look for its name in the list.", "name")
