"""docs/recipes/nginx.md: nginx shows the form, keeps who is not let in out, and tells the application who is."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.journeys.certificates import Authority
from tests.journeys.recipes import HERE, PASSWORD, Recipe, Site, daemon, free_port, opened, run

NAME = "wiki.example.org"
FRAME = """
daemon off;
master_process off;
pid {folder}/pid;
error_log stderr notice;
events {{
}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen {application};
        location / {{
            return 200 "$request_method $request_uri for <$http_x_user>";
        }}
    }}
    include {folder}/wiki;
}}
"""


@dataclass(frozen=True)
class Browser:
    """curl with a jar for cookies."""

    folder: Path
    port: int

    def ask(self, path: str, *words: str) -> tuple[int, str]:
        """The status, and the head and body."""
        jar = self.folder / "jar"
        trust = ("--cacert", self.folder / "ca" / "authority.pem", "--resolve", f"{NAME}:{self.port}:{HERE}")
        done = run("curl", "-si", *trust, "-b", jar, "-c", jar, *words, f"{self.origin}{path}")
        return int(done.stdout.split()[1]), done.stdout

    def sign_in(self, password: str, code: str, then: str = "/", origin: str = "") -> tuple[int, str]:
        fields = {"user": "alice", "password": password, "code": code, "next": then}
        typed = [word for name, value in fields.items() for word in ("--data-urlencode", f"{name}={value}")]
        return self.ask("/second-door/login", "-H", f"Origin: {origin or self.origin}", *typed)

    @property
    def origin(self) -> str:
        return f"https://{NAME}:{self.port}"


@dataclass
class Door:
    """The site, and how to close its second door."""

    site: Site
    browser: Browser
    closing: ExitStack


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with opened(tmp_path_factory.mktemp("server")) as site:
        yield site


@pytest.fixture(scope="module")
def key(site: Site) -> str:
    return site.follow(Recipe.named("nginx"))["wiki-door"]


def write_door(site: Site, key: str, folder: Path, port: int) -> Path:
    """The program of the page, asking our server."""
    (folder / "api-key").write_text(f"{key}\n")
    places = {
        "9470": str(port),
        "https://mfa.example.org:9465": f"http://{HERE}:{site.api}",
        "/etc/second-door/mfa.pem": str(folder / "ca" / "authority.pem"),
        "/etc/second-door/api-key": str(folder / "api-key"),
        "serve_forever()": 'serve_forever(print("open", flush=True) or 0.1)',
    }
    program = folder / "door.py"
    program.write_text(Recipe.named("nginx").file("/opt/second-door/door.py", places))
    return program


@contextmanager
def standing(site: Site, key: str, folder: Path) -> Iterator[Door]:
    """Run all of the page in a folder."""
    recipe, port, behind, application = Recipe.named("nginx"), free_port(), free_port(), free_port()
    certificate, private = Authority.made(folder / "ca").issue(NAME, NAME)
    gaps = {
        "listen 443 ssl": f"listen {HERE}:{port} ssl",
        "/etc/nginx/wiki.pem": str(certificate),
        "/etc/nginx/wiki.key": str(private),
        "127.0.0.1:8080": f"127.0.0.1:{application}",
        "9470": str(behind),
    }
    (folder / "wiki").write_text(recipe.file("/etc/nginx/sites-enabled/wiki", gaps))
    (folder / "nginx.conf").write_text(FRAME.format(folder=folder, application=f"{HERE}:{application}"))
    program = write_door(site, key, folder, behind)
    command = ("/usr/sbin/nginx", "-e", "stderr", "-p", folder, "-c", folder / "nginx.conf")
    with ExitStack() as closing, daemon(*command, log=folder / "log", ready="getrlimit"):
        closing.enter_context(daemon(sys.executable, program, log=folder / "door.log", ready="open"))
        yield Door(site, Browser(folder, port), closing)


@pytest.fixture(scope="module")
def shared(site: Site, key: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with standing(site, key, tmp_path_factory.mktemp("nginx")) as shared:
        yield shared


@pytest.fixture
def door(shared: Door) -> Door:
    """The door, before a browser that was never here."""
    (shared.browser.folder / "jar").unlink(missing_ok=True)
    return shared


def test_the_form_lets_in_once_and_the_address_survives_it(door: Door) -> None:
    browser, code = door.browser, door.site.alice.press()
    status, form = browser.ask("/page?a=1&b=%22two%22", "-H", "X-User: alice")
    assert status == 401
    assert 'value="/page?a=1&amp;b=%22two%22"' in form
    status, said = browser.sign_in(PASSWORD, code, "/page?a=1&b=%22two%22")
    assert status == 303
    assert "Location: /page?a=1&b=%22two%22" in said
    assert "Secure; HttpOnly; SameSite=Lax" in said
    status, page = browser.ask("/page?a=1&b=%22two%22", "-H", "X-User: root")
    assert (status, page.rpartition("\n")[2]) == (200, "GET /page?a=1&b=%22two%22 for <alice>")


def test_who_is_not_let_in_gets_no_cookie(door: Door) -> None:
    browser, code = door.browser, door.site.alice.press()
    assert browser.sign_in(PASSWORD, code)[0] == 303
    (browser.folder / "jar").unlink()
    for password, typed in ((PASSWORD, code), ("wrong", door.site.alice.press()), ("", ""), (PASSWORD, "")):
        status, said = browser.sign_in(password, typed)
        assert status == 403
        assert "Sign-in refused" in said
        assert "Set-Cookie" not in said
    assert browser.ask("/")[0] == 401
    assert door.site.reasons()[-4:-2] == ["code_reused", "wrong_password"]
    assert door.site.lines()[-1]["source"] == HERE


@pytest.mark.parametrize("cookie", ["alice!9999999999!00", "alice", "", "alice!9999999999!\xe4", '"', "!!!!"])
def test_a_cookie_that_was_made_up_opens_nothing(door: Door, cookie: str) -> None:
    assert door.browser.ask("/", "-H", f"Cookie: __Host-second-door={cookie}")[0] == 401


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example", "//evil.example", "/\\evil.example", "/a\r\nSet-Cookie: b=c", "/\u00e4", ""]
)
def test_nobody_is_sent_elsewhere(door: Door, elsewhere: str) -> None:
    status, said = door.browser.sign_in(PASSWORD, door.site.alice.press(), elsewhere)
    assert status == 303
    assert "\nLocation: /\r\n" in said or "\nLocation: /\n" in said
    assert "b=c" not in said


def test_a_form_of_another_site_is_not_looked_at(door: Door) -> None:
    before = len(door.site.lines())
    assert door.browser.sign_in(PASSWORD, door.site.alice.press(), origin="https://evil.example")[0] == 403
    assert len(door.site.lines()) == before


def test_nobody_gets_in_while_the_second_door_is_away(site: Site, key: str, tmp_path: Path) -> None:
    with standing(site, key, tmp_path) as door:
        assert door.browser.sign_in(PASSWORD, site.alice.press())[0] == 303
        assert door.browser.ask("/")[0] == 200
        door.closing.close()
        assert door.browser.ask("/")[0] == 500
