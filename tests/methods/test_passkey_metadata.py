"""What the FIDO Alliance says of models: whose word is taken, and what it does to a new passkey."""

import json
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.methods.authenticator import Authenticator, signature, unweb, web
from tests.methods.fido_metadata import NOON, OTHER, YUBIKEY, Issuer, Service, at, der, entry, name
from vestibule.core.case import Moment
from vestibule.core.passkeys import Model, NotMetadata, NotTaken, Wanted, Why
from vestibule.core.users import User
from vestibule.methods.passkey import Passkey
from vestibule.methods.passkey.metadata import read_metadata
from vestibule.methods.passkey.registering import Registering
from vestibule.methods.passkey.roots import ROOTS

TAKING = Registering(Passkey("mfa.test", ("https://mfa.test",)))
ALICE = User("a" * 32, "alice", "alice")
DAY = 86400.0


def refusal(service: Service, blob: bytes, now: float = NOON) -> str:
    with pytest.raises(NotMetadata) as raised:
        read_metadata(blob, now, service.root.pem)
    return str(raised.value)


# -- whose word is taken ---------------------------------------------------------------------------------------------


@pytest.mark.requirement(36)
@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_a_file_of_the_service_is_read(algorithm: str) -> None:
    service = Service(algorithm=algorithm)
    blob = service.file(entry(YUBIKEY, "Blue key", "FIDO_CERTIFIED_L1"), entry(OTHER, "Old key", "REVOKED"))
    found = read_metadata(blob, NOON, service.root.pem)
    assert found.number == 7
    assert [(one.id, one.name, one.unsafe) for one in found.models] == [
        (YUBIKEY, "Blue key", ""),
        (OTHER, "Old key", "REVOKED"),
    ]


@pytest.mark.requirement(36)
def test_the_roots_that_come_along_are_those_of_the_service_and_not_over() -> None:
    roots = x509.load_pem_x509_certificates(ROOTS)
    names = [one.subject.rfc4514_string() for one in roots]
    assert names == [
        "CN=GlobalSign Root R46,O=GlobalSign nv-sa,C=BE",
        "CN=GlobalSign,O=GlobalSign,OU=GlobalSign Root CA - R3",
    ]
    assert all(one.not_valid_after_utc > at(0) for one in roots)


@pytest.mark.requirement(36)
def test_a_file_by_another_root_is_refused() -> None:
    service = Service()
    assert "not signed by" in refusal(Service(), service.file(entry(YUBIKEY)))
    with pytest.raises(NotMetadata):
        read_metadata(service.file(entry(YUBIKEY)), NOON)


@pytest.mark.requirement(36)
def test_a_certificate_of_another_host_signs_nothing() -> None:
    service = Service(host="www.example.org")
    assert "not signed by" in refusal(service, service.file(entry(YUBIKEY)))


@pytest.mark.requirement(36)
def test_a_certificate_that_is_over_signs_nothing() -> None:
    service = Service(days=2)
    blob = service.file(entry(YUBIKEY))
    read_metadata(blob, NOON, service.root.pem)
    assert "not signed by" in refusal(service, blob, NOON + 3 * DAY)


@pytest.mark.requirement(36)
def test_somebody_whom_the_service_signed_can_not_sign_for_it() -> None:
    """A certificate that is no authority's makes no chain."""
    service = Service()
    key = ec.generate_private_key(ec.SECP256R1())
    middle = service.root.issue(name("Somebody"), key, host="somebody.example")
    false = Service(root=Issuer("Somebody", key))
    assert "not signed by" in refusal(service, false.file(entry(YUBIKEY), chain=[der(middle)]))


@pytest.mark.requirement(36)
@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_changed_file_is_refused(part: int) -> None:
    service = Service()
    parts = service.file(entry(YUBIKEY, "Blue key", "REVOKED")).split(b".")
    changed = unweb(parts[part].decode())
    changed = changed.replace(b"REVOKED", b"UPDATED") if part == 1 else changed[:-2] + b"\0" + changed[-1:]
    parts[part] = web(changed).encode()
    assert refusal(service, b".".join(parts))


@pytest.mark.requirement(36)
@pytest.mark.parametrize("algorithm", ["none", "HS256", "ES384", None, 7])
def test_an_algorithm_that_the_key_is_not_made_for_is_refused(algorithm: object) -> None:
    service = Service()
    assert "signature" in refusal(service, service.file(entry(YUBIKEY), alg=algorithm))


@pytest.mark.requirement(36)
def test_a_file_whose_successor_is_due_is_refused_and_says_where_the_next_one_is() -> None:
    service = Service()
    assert "https://mds.fidoalliance.org/" in refusal(service, service.file(entry(YUBIKEY), due="2027-01-14"))
    read_metadata(service.file(entry(YUBIKEY), due="2027-01-15"), NOON, service.root.pem)


@pytest.mark.parametrize("blob", [b"", b"..", b"a.b.c", b"\xff", b"{}", b"e30.e30.e30", b"x" * 1000])
def test_what_is_no_such_file_is_refused_in_words(blob: bytes) -> None:
    assert "one long line" in refusal(Service(), blob)


@pytest.mark.parametrize(
    "more",
    [{"entries": None}, {"entries": [{"aaguid": YUBIKEY}]}, {"no": "x"}, {"nextUpdate": "soon"}, {"nextUpdate": 7}],
)
def test_what_is_signed_and_makes_no_sense_is_refused_in_words(more: dict[str, Any]) -> None:
    service = Service()
    assert "can not be understood" in refusal(service, service.file(more=more))


@pytest.mark.requirement(36)
@pytest.mark.parametrize(
    ("statuses", "unsafe"),
    [
        (["FIDO_CERTIFIED"], ""),
        (["USER_VERIFICATION_BYPASS"], "USER_VERIFICATION_BYPASS"),
        (["USER_KEY_REMOTE_COMPROMISE", "UPDATE_AVAILABLE"], "USER_KEY_REMOTE_COMPROMISE"),
        (["ATTESTATION_KEY_COMPROMISE"], "ATTESTATION_KEY_COMPROMISE"),
        ([{"status": "ATTESTATION_KEY_COMPROMISE", "certificate": "AAAA"}], ""),
        (["REVOKED"], "REVOKED"),
    ],
)
def test_which_reports_make_a_model_unsafe(statuses: list[Any], unsafe: str) -> None:
    service = Service()
    [model] = read_metadata(service.file(entry(YUBIKEY, "A key", *statuses)), NOON, service.root.pem).models
    assert model.unsafe == unsafe
    assert Model.of(model.text) == model


# -- what it does to a new passkey -----------------------------------------------------------------------------------

MAKER = Issuer("Maker's root")


def attested(issuer: Issuer, *, common: str = "Key 1", right: bool = True) -> Any:  # noqa: ANN401 - what the authenticator calls
    """A packed attestation by a certificate of this maker."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = issuer.issue(name(common, authenticator=True), key)

    def statement(device: Authenticator, signed: bytes) -> tuple[str, dict[str, Any]]:
        octets = certificate.public_bytes(serialization.Encoding.DER)
        return "packed", {"alg": -7, "sig": signature(key, signed if right else b"else"), "x5c": [octets]}

    return statement


def known(*, unsafe: str = "", compromised: tuple[bytes, ...] = ()) -> Model:
    return Model(
        YUBIKEY,
        "Blue key",
        unsafe,
        (unweb(web(MAKER.certificate.public_bytes(serialization.Encoding.DER))),),
        compromised,
    )


def taken(device: Authenticator, wanted: Wanted, model: Model | None, **wrong: object) -> str:
    options, memory = TAKING.options(ALICE, (), wanted, Moment(NOON, b"c" * 32))
    asked = json.loads(options)["attestation"]
    assert asked == ("direct" if wanted.attested else "none")
    _, kept = TAKING.taken(device.make(options, **wrong), memory, wanted, lambda _: model)
    return kept


def why(device: Authenticator, wanted: Wanted, model: Model | None, **wrong: object) -> Why:
    with pytest.raises(NotTaken) as raised:
        taken(device, wanted, model, **wrong)
    return raised.value.why


def test_a_maker_who_vouches_is_believed_by_the_root_that_is_known() -> None:
    kept = taken(Authenticator(), Wanted(attested=True), known(), statement=attested(MAKER))
    assert json.loads(kept)["model"] == YUBIKEY


@pytest.mark.requirement(36)
@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"statement": attested(Issuer("Maker's root"))},
        {"statement": attested(Issuer("Another"))},
        {"statement": attested(MAKER, right=False)},
        {"statement": lambda *_: ("packed", {"alg": -7, "sig": b"x"})},
        {"statement": lambda *_: ("made up", {})},
        {"statement": lambda *_: ("packed", {})},
    ],
    ids=["none", "same name, other key", "another maker", "wrong signature", "by itself", "unknown kind", "empty"],
)
def test_where_makers_have_to_vouch_nothing_less_is_taken(wrong: dict[str, Any]) -> None:
    assert why(Authenticator(), Wanted(attested=True), known(), **wrong) is Why.UNATTESTED


@pytest.mark.requirement(36)
def test_a_model_that_nobody_knows_can_not_be_vouched_for() -> None:
    assert why(Authenticator(), Wanted(attested=True), None, statement=attested(MAKER)) is Why.UNATTESTED


@pytest.mark.requirement(36)
def test_a_compromised_key_of_a_maker_vouches_for_nothing() -> None:
    statement = attested(MAKER)
    [certificate] = statement(Authenticator(), b"")[1]["x5c"]
    model = known(compromised=(certificate,))
    assert why(Authenticator(), Wanted(attested=True), model, statement=statement) is Why.UNATTESTED


@pytest.mark.requirement(36)
def test_an_unsafe_model_is_not_taken_whether_or_not_makers_have_to_vouch() -> None:
    unsafe = known(unsafe="REVOKED")
    assert why(Authenticator(), Wanted(), unsafe) is Why.UNSAFE
    assert why(Authenticator(), Wanted(attested=True), unsafe, statement=attested(MAKER)) is Why.UNSAFE


def test_only_the_models_that_may_be_used_are_taken() -> None:
    assert why(Authenticator(), Wanted((OTHER,)), None) is Why.MODEL
    assert json.loads(taken(Authenticator(), Wanted((YUBIKEY,)), None))["model"] == YUBIKEY
