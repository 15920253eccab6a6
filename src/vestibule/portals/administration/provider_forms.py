"""The settings of providers as fields, for the kinds that we know; see `directory_forms` for how they are read."""

from vestibule.portals.administration.directory_forms import Field
from vestibule.portals.languages import marked

ADDRESS = Field("url", marked("Address"), hint=marked("It begins with https://"), required=True)
HOST = Field("host", marked("Server"), required=True)
PORT = Field("port", marked("Port"), "number")
USER = Field("user", marked("User name"), required=True)
SENDER = Field("sender", marked("Sender"), hint=marked("A number, a short code or a name, as the vendor allows it."))
CALLER = Field(
    "caller", marked("Number that calls"), hint=marked("As +14255550100; without one no calls are made by it.")
)
PLAIN = Field("plain", marked("Without TLS: everybody on the way can read codes and numbers"), "tick")

FIELDS: dict[str, tuple[Field, ...]] = {
    "twilio": (
        Field("account", "Account SID", hint="AC…", required=True),
        SENDER,
        Field("service", "Messaging Service SID", hint="MG…"),
        CALLER,
    ),
    "telnyx": (
        Field("public_key", marked("Public key of the account"), required=True),
        SENDER,
        Field("profile", "Messaging Profile ID"),
        Field("connection", "Connection ID"),
        CALLER,
    ),
    "asterisk": (
        ADDRESS,
        USER,
        Field("endpoint", marked("Endpoint"), hint="PJSIP/{number}@trunk", required=True),
        Field("caller_id", marked("Number that calls")),
        PLAIN,
    ),
    "smtp": (
        HOST,
        PORT,
        Field(
            "security",
            marked("Protection"),
            "options",
            options=(("starttls", "STARTTLS"), ("tls", "TLS"), ("plain", marked("none"))),
            default="starttls",
        ),
        Field("sender", marked("E-mail address"), hint=marked("It stands in From."), required=True),
        Field("user", marked("User name")),
    ),
    "smpp": (HOST, PORT, Field("system_id", "System ID", required=True), SENDER, PLAIN),
    "kannel": (ADDRESS, USER, SENDER, PLAIN),
    "webhook": (ADDRESS, SENDER, PLAIN),
}
KINDS = {
    "webhook": marked("A program of yours"),
    "http": marked("Any HTTP API"),
    "twilio": "Twilio",
    "telnyx": "Telnyx",
    "asterisk": "Asterisk",
    "kannel": "Kannel",
    "smpp": "SMPP",
    "smtp": marked("Mail server (SMTP)"),
    "demo": marked("Telephone of the demonstration"),
}
MEDIA = {"call": marked("Calls"), "text": marked("Texts"), "mail": marked("Mail")}


def fields_of(kind: str) -> tuple[Field, ...]:
    """The fields of a kind; none for one that is only known by its settings."""
    return FIELDS.get(kind, ())
