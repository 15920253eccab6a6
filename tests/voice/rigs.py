"""What the contract of providers means for calls: the same, but that no text is carried and nothing is held."""

from tests.conformance.provider_suite import TEXT, ProviderSuite, Rig, outgoing, soon
from vestibule.core.delivery import Outcome


class CallSuite(ProviderSuite):
    """The contract of `Provider` for calls."""

    async def test_what_is_accepted_was_carried_once_as_it_was_given(self, rig: Rig) -> None:
        given = outgoing(rig.medium)
        sent = await rig.provider.send(given, soon())
        assert (sent.outcome, sent.fault) == (Outcome.ACCEPTED, None)
        (carried,) = rig.carried
        assert carried.to == given.to.address
        assert sent.reference == carried.reference

    async def test_a_text_of_any_signs_arrives_as_it_was_written(self, rig: Rig) -> None:
        await rig.provider.send(outgoing(rig.medium, text=TEXT), soon())
        (carried,) = rig.carried
        assert TEXT not in carried.text
