"""The portal of a real server, as `apps/` puts it together: its client is there, and it answers beside the API."""

import re
from pathlib import Path

import httpx2

from tests.journeys.program import Home, running
from tests.portals.lobby import OWN
from vestibule.core.clients import Client
from vestibule.core.journal import Query

HIDDEN = re.compile(r'name="(csrf|once)" value="(\w+)"')


async def test_a_server_has_its_portal_beside_the_api(tmp_path: Path) -> None:
    home = Home.lay_out(tmp_path)
    async with running(home) as server, httpx2.AsyncClient(base_url=server.api) as http:
        asked = await http.get("/signin")
        cookie = asked.headers["set-cookie"].partition(";")[0]
        fields = {**dict(HIDDEN.findall(asked.text)), "name": "nobody", "password": "wrong"}
        refused = await http.post("/signin", data=fields, headers={**OWN, "Cookie": cookie})
        assert (asked.status_code, refused.status_code) == (200, 403)
        assert "This did not work" in refused.text
        assert (await http.get("/api/v1/status")).status_code == 401
        assert (await http.get("/signin", headers={"Host": "evil.example"})).status_code == 421
    async with home.opened() as store:
        assert await store.read(lambda reading: reading.get(Client, "portal"))
        lines = await store.read(lambda reading: reading.lines(Query(), (0.0, "", 0), 100))
    assert [(line.entry.action, line.entry.client_id) for line in lines if line.entry.client_id] == [
        ("client.add", "portal"),
        ("sign_in", "portal"),
    ]
