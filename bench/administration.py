"""How long pages of administration take among very many people: `python -m bench.administration [PEOPLE]`.

The portal is asked in its own process, without a network, on a new SQLite database in a temporary folder; each page is
asked for thirty times. The goal is 50 ms.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.flows.desks import Office, Template
from tests.portals.administration.setting_up import signed_in
from tests.portals.lobby import lobby_of
from vestibule.core.credentials import Credential, Seed
from vestibule.core.journal import Entry, EntryKind
from vestibule.core.ports import Writing
from vestibule.core.secret import Secret
from vestibule.core.users import User

PEOPLE = 1_000_000
SLICE = 200
TIMES = 30
FIRST = ("Anna", "Benjamin", "Chai", "Daan", "Élodie", "Fatima", "Gustav", "Hanna")
LAST = ("de Vries", "Jansen", "Srisai", "van den Berg", "O'Neill", "Bakker", "Yılmaz", "Smit", "Nowak")


def somebody(number: int) -> tuple[User, Seed, Credential]:
    """A person with an app."""
    first, last = FIRST[number % len(FIRST)], LAST[number // 8 % len(LAST)]
    name = f"{first.lower()}.{number:07}"
    user = User(f"{number:032x}", name, name, first, last, f"{name}@example.org")
    seed = Seed(f"seed{number}", Secret(number.to_bytes(20)))
    return user, seed, Credential(f"app{number}", "totp", user.id, seed_id=seed.id, serial=f"S-{number:08}")


async def populate(office: Office, people: int) -> None:
    """Write them, slice by slice, with a sign-in of each tenth."""
    for start in range(0, people, SLICE):

        def act(writing: Writing, start: int = start) -> None:
            for number in range(start, min(start + SLICE, people)):
                for record in somebody(number):
                    writing.put(record)
                if number % 10 == 0:
                    at = office.clock.at - number % 86_400
                    writing.note(Entry(at, EntryKind.SIGN_IN, "sign_in", user_id=f"{number:032x}", accepted=True))

        await office.store.change(act)


async def main(people: int) -> None:
    """Populate, ask, and print a table."""
    with tempfile.TemporaryDirectory() as folder:
        office = await Template.make(Path(folder)).office(Path(tempfile.mkdtemp(dir=folder)))
        begun = time.perf_counter()
        await populate(office, people)
        print(f"{people:,} people written in {time.perf_counter() - begun:.0f} s")
        async with lobby_of(office) as lobby:
            browser = await signed_in(lobby)
            begun = time.perf_counter()
            await browser.get("/admin")
            print(f"{'/admin, the first time':45} {1000 * (time.perf_counter() - begun):8.1f} ms")
            middle = f"{people // 2:032x}"
            for path in (
                "/admin",
                "/admin/people",
                f"/admin/people?after=anna.{people // 2:07}",
                "/admin/people?q=a",
                "/admin/people?q=vri",
                "/admin/people?q=chai+van+den",
                "/admin/people?q=nobody",
                f"/admin/people/{middle}",
                "/admin/tokens",
                "/admin/tokens?q=S-0005",
                "/admin/tokens?held=free",
                "/admin/journal",
                f"/admin/journal?user={somebody(people // 2)[0].name}",
            ):
                taken = []
                for _ in range(TIMES):
                    begun = time.perf_counter()
                    assert (await browser.get(path)).status_code == 200
                    taken.append(1000 * (time.perf_counter() - begun))
                taken.sort()
                print(f"{path:45} {statistics.median(taken):8.1f} ms, at most {taken[-1]:.1f} ms")
        await office.store.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE))
