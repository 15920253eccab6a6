"""What a demonstration says when it is ready: every line can be copied and works as it stands."""

import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vestibule.apps.cli.demo_contents import (
    ADMIN,
    API_KEY_FILE,
    PASSWORD_FILE,
    PERIOD,
    RADIUS_FILE,
    USER,
    Contents,
)
from vestibule.apps.cli.qr import drawn
from vestibule.wire.otpauth import Otpauth, OtpMethod, encode, read_key

QUESTION = r"""  STATE=$(echo "User-Name={user},User-Password={password},\
    Message-Authenticator=0x00" |
    radclient -x {host}:{port} auth {secret} |
    tee /dev/stderr | sed -n 's/.*State = //p')"""

TEXT = r"""Vestibule demo{what}. It listens on {host} only, and keeps everything in
{directory}

  user      {user}
  password  {password}

{qr}

  Scan this with an authenticator app, or take the codes from below.

TRY THIS in another terminal. First:

  cd {here}
  export VESTIBULE_CONFIG={configuration}

1. A code of the demo user{oathtool_missing}

  oathtool --totp --base32 {totp_secret}
  {program} demo code

  A code signs in once, and the next one comes within {period} s: wait for it
  between the steps, or see how the same code is refused.

2. A sign-in as a VPN server would ask for it: the password, then a code

  {program} test radius {host}:{port} --user {user} \
    --secret-file {radius_file} \
    --password-file {password_file}

3. The same by radclient{radclient_missing}

{question}

  echo "User-Name={user},User-Password=$({program} demo code),\
    State=$STATE,Message-Authenticator=0x00" |
    radclient -x {host}:{port} auth {secret}

4. Password and code in one field; and the code alone. These are codes of the
   HOTP token, a new one each time

  echo "User-Name={user},\
    User-Password={password}$({program} demo code --hotp),\
    NAS-Identifier=demo-one-field,Message-Authenticator=0x00" |
    radclient -x {host}:{port} auth {secret}

  echo "User-Name={user},User-Password=$({program} demo code --hotp),\
    NAS-Identifier=demo-code-only,Message-Authenticator=0x00" |
    radclient -x {host}:{port} auth {secret}

5. The same over HTTP

  curl -s http://{http}/api/v1/attempts \
    -H "Authorization: Bearer $(cat {api_key_file})" \
    -H 'Content-Type: application/json' \
    -d '{{"user": "{user}", "password": "{password}",
         "code": "'$({program} demo code --hotp)'"}}'

  What else there is: {docs}

6. In a browser: sign in with password and code, and look after your factors

  {signin}

   Administer, as the owner {admin}, password {admin_password}, with this code

  {administration}

  {program} demo code --admin

7. Calls and texts, with no provider: open the demo telephone beside the
   sign-in page, choose another way there, and answer

  {phone}

   By RADIUS the answer to the question is the word of a way: `call` rings
   Mobile, where # lets in; `call2` rings Office, which asks for the PIN, 8264

{question}

  echo "User-Name={user},User-Password=call,\
    State=$STATE,Message-Authenticator=0x00" |
    radclient -x -r 1 -t 60 {host}:{port} auth {secret}

   A text: the next question is for the code in it

{question}

  STATE=$(echo "User-Name={user},User-Password=text,\
    State=$STATE,Message-Authenticator=0x00" |
    radclient -x -r 1 -t 60 {host}:{port} auth {secret} |
    tee /dev/stderr | sed -n 's/.*State = //p' | tail -n 1)

  echo 'The code of the text:' && read -r CODE

  echo "User-Name={user},User-Password=$CODE,\
    State=$STATE,Message-Authenticator=0x00" |
    radclient -x -r 1 -t 60 {host}:{port} auth {secret}

   A text that is replied to on the telephone, with its code

{question}

  echo "User-Name={user},User-Password=reply,\
    State=$STATE,Message-Authenticator=0x00" |
    radclient -x -r 1 -t 60 {host}:{port} auth {secret}

8. What happened, and how the server is

  {program} journal list
  {program} user show {user}
  {program} status

  Metrics  http://{http}/metrics
  Health   http://{http}/readyz
{nodes}
Ready. Ctrl-C stops it."""

NODES = r"""
9. Two nodes on one PostgreSQL. The question comes from the first, and the
   answer goes to the second: State and code are good there, too

  STATE=$(echo "User-Name={user},User-Password={password},\
    Message-Authenticator=0x00" |
    radclient -x {host}:{port} auth {secret} |
    tee /dev/stderr | sed -n 's/.*State = //p')

  CODE=$({program} demo code --hotp)

  echo "User-Name={user},User-Password=$CODE,\
    State=$STATE,Message-Authenticator=0x00" |
    radclient -x {host}:{second_port} auth {secret}

   A code that the second has accepted is refused by the first

  STATE=$(echo "User-Name={user},User-Password={password},\
    Message-Authenticator=0x00" |
    radclient -x {host}:{port} auth {secret} |
    tee /dev/stderr | sed -n 's/.*State = //p')

  echo "User-Name={user},User-Password=$CODE,\
    State=$STATE,Message-Authenticator=0x00" |
    radclient -x {host}:{port} auth {secret}

   The second node, asked by itself

  {program} --config {second_configuration} status

  HTTP API  {second_docs}
"""


@dataclass(frozen=True, slots=True)
class Node:
    """Where one node answers: its RADIUS address, and the URL of its HTTP API."""

    host: str
    port: int
    http: str

    @property
    def sign_in(self) -> str:
        """Where people sign in with a browser; by a name, as all pages: passkeys and sessions belong to one host."""
        return f"{self._named}/signin"

    @property
    def administration(self) -> str:
        """Where administrators work with a browser."""
        return f"{self._named}/admin"

    @property
    def phone(self) -> str:
        """Where the demo telephone is."""
        return f"{self._named}/demo/phone"

    @property
    def docs(self) -> str:
        """Where the HTTP API explains itself."""
        return f"{self._named}/api/v1/docs"

    @property
    def _named(self) -> str:
        return self.http.replace("//127.0.0.1:", "//localhost:")


@dataclass(frozen=True, slots=True)
class Shown:
    """What the text is made of; `http` is where the first node has its metrics, `configuration` its file."""

    known: Contents
    nodes: Sequence[Node]
    http: str
    directory: Path
    home: Path
    configuration: Path


def told(shown: Shown) -> str:
    """The whole text, with the QR code."""
    secrets, first = shown.home / "secrets", shown.nodes[0]
    return TEXT.format(
        what="" if len(shown.nodes) == 1 else ", two nodes",
        nodes=_nodes(shown),
        host=first.host,
        port=first.port,
        http=shown.http,
        signin=first.sign_in,
        phone=first.phone,
        docs=first.docs,
        question=QUESTION.format(
            user=USER, password=shown.known.password, host=first.host, port=first.port, secret=shown.known.radius_secret
        ),
        administration=first.administration,
        admin=ADMIN,
        admin_password=shown.known.admin_password,
        directory=shown.directory,
        user=USER,
        password=shown.known.password,
        secret=shown.known.radius_secret,
        totp_secret=shown.known.totp_secret,
        qr=drawn(_uri(shown.known)),
        here=shlex.quote(str(Path.cwd())),
        configuration=_near(shown.configuration),
        program=_program(),
        radius_file=_near(secrets / RADIUS_FILE),
        password_file=_near(secrets / PASSWORD_FILE),
        api_key_file=_near(secrets / API_KEY_FILE),
        period=PERIOD,
        oathtool_missing=_missing("oathtool", "oathtool"),
        radclient_missing=_missing("radclient", "freeradius-utils"),
    )


def _nodes(shown: Shown) -> str:
    """What is to be tried between the first two nodes, if there are two."""
    if len(shown.nodes) == 1:
        return ""
    first, second = shown.nodes[:2]
    return NODES.format(
        user=USER,
        password=shown.known.password,
        secret=shown.known.radius_secret,
        host=first.host,
        port=first.port,
        second_port=second.port,
        second_docs=second.docs,
        second_configuration=_near(shown.configuration.with_name("node2.toml")),
        program=_program(),
    )


def _program() -> str:
    return _near(Path(sys.argv[0]).absolute())


def _uri(known: Contents) -> str:
    return encode(
        Otpauth(method=OtpMethod.TOTP, account=USER, secret=read_key(known.totp_secret), issuer="Vestibule demo")
    )


def _near(path: Path) -> str:
    """The path as it is typed from here."""
    here = Path.cwd()
    return shlex.quote(str(path.relative_to(here)) if path.is_relative_to(here) else str(path))


def _missing(program: str, package: str) -> str:
    return "" if shutil.which(program) else f" ({program} is not installed here; Debian has it in {package})"
