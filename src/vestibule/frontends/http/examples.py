"""An example of what each operation is sent and answers, for the description, the docs page and the tests."""

from typing import Any

ATTEMPT = "4f1d2c0b9a8e7d6c5b4a39281706f5e4"
NONCE = "00112233445566778899aabbccddeeff"
AT = 1_800_000_000.0

USER: dict[str, Any] = {
    "id": "7b0c",
    "name": "alice@example.org",
    "first_name": "Alice",
    "last_name": "",
    "email": "alice@example.org",
    "phone": "",
    "locale": "en",
    "groups": ["staff"],
    "mfa": "enforced",
    "blocked": None,
    "created_at": AT,
}
TOKEN: dict[str, Any] = {
    "id": "91aa",
    "serial": "A1",
    "method": "totp",
    "user": "alice@example.org",
    "label": "",
    "state": "active",
    "usable": True,
    "manufacturer": "",
    "model": "",
    "algorithm": "sha1",
    "digits": 6,
    "period": 30,
    "waiver_until": None,
    "created_at": AT,
}
GROUP: dict[str, Any] = {"name": "staff", "description": "", "reply_attributes": [["Filter-Id", "staff"]]}
CLIENT: dict[str, Any] = {
    "id": "web",
    "name": "Web shop",
    "networks": [],
    "nas_identifier": "",
    "sign_in": "code_only",
    "require_user_match": True,
    "require_message_authenticator": True,
    "limit_proxy_state": True,
    "holds": True,
    "time_budget": 30.0,
    "rejoin_seconds": 0,
    "secrets": 0,
    "created_at": AT,
}
RULE: dict[str, Any] = {
    "position": 1,
    "name": "staff by token",
    "outcome": "require",
    "clients": ["web"],
    "groups": ["staff"],
    "networks": [],
    "methods": ["totp"],
}
SETTING: dict[str, Any] = {
    "name": "challenge_seconds",
    "value": 60.0,
    "default": 120.0,
    "changed": True,
    "help": "Seconds that an open question waits for a typed code.",
    "fits": "a number from 10 to 600",
}
LINE: dict[str, Any] = {
    "at": AT,
    "chain": "a1b2c3d4e5f60718",
    "seq": 7,
    "kind": "sign_in",
    "action": "sign_in",
    "actor": "",
    "user_id": "7b0c",
    "user_name": "alice@example.org",
    "full_name": "Alice",
    "email": "alice@example.org",
    "phone": "",
    "device": "",
    "client_address": "203.0.113.7",
    "source": "203.0.113.7",
    "client_id": "web",
    "method": "totp",
    "accepted": True,
    "reason": None,
    "result": "SUCCESS_OATH_CODE_VERIFIED",
    "rule": "staff by token",
    "attempt_id": "",
    "credential_id": "91aa",
    "detail": {},
    "server_name": "mfa1",
    "server_address": "",
    "erased": False,
}
ACCEPTED = {"decision": "accept", "user": "alice@example.org", "groups": ["staff"]}
REPORT = {
    "file_name": "tokens.csv",
    "dry_run": False,
    "created": 2,
    "changed": 0,
    "unchanged": 0,
    "problems": [{"line": 4, "column": 2, "field": "secret key", "reason": "is no Base32"}],
    "waived": [],
}
TOKEN_FILE = "A1,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP,30\n"  # noqa: S105 - a well-known example
CHANGE_OF_CLIENT = {"client": CLIENT, "warnings": []}
RULES = {"rules": [RULE], "default": "default: require a second factor"}

SENT: dict[str, Any] = {
    "beginAttempt": {"user": "alice@example.org", "code": "123456", "address": "203.0.113.7"},
    "answerAttempt": {"user": "alice@example.org", "nonce": NONCE, "answer": "123456"},
    "addUser": {"name": "alice@example.org", "first_name": "Alice", "groups": ["staff"]},
    "importUsers": "name,first_name\nalice@example.org,Alice\n",
    "changeUser": {"phone": "+41 44 668 18 00"},
    "blockUser": {"reason": "lost the laptop", "days": 7.0},
    "setPassword": {"password": "correct horse battery staple"},
    "addGroup": {"name": "staff", "reply_attributes": [["Filter-Id", "staff"]]},
    "changeGroup": {"description": "Everyone on the payroll"},
    "addToken": {"user": "alice@example.org", "serial": "A1"},
    "importTokens": TOKEN_FILE,
    "assignToken": {"user": "alice@example.org"},
    "activateToken": {"code": "123456"},
    "resyncToken": {"first": "123456", "second": "654321"},
    "addClient": {"name": "Web shop", "id": "web", "sign_in": "code_only"},
    "changeClient": {"time_budget": 30.0},
    "changeClientSecret": {"step": "begin"},
    "addRule": {"name": "staff by token", "outcome": "require", "groups": ["staff"], "methods": ["totp"]},
    "moveRule": {"position": 1},
    "testPolicy": {"user": "alice@example.org", "client": "web"},
    "setSetting": {"value": 60.0},
}
"""By operation: the body. Operations without one are not here."""

ANSWERED: dict[str, Any] = {
    "beginAttempt": ACCEPTED,
    "answerAttempt": ACCEPTED,
    "waitForAttempt": ACCEPTED,
    "listUsers": {"users": [USER], "next": None},
    "addUser": {"user": USER},
    "importUsers": {**REPORT, "file_name": "users.csv", "problems": []},
    "getUser": {"user": USER, "password_changed_at": AT, "credentials": [TOKEN], "failures": []},
    "changeUser": {"user": {**USER, "phone": "+41 44 668 18 00"}, "changed": ["phone"]},
    "removeUser": {"removed": "alice@example.org", "returned": ["A1"], "erased": 0},
    "blockUser": {
        "user": {
            **USER,
            "blocked": {"since": AT, "until": AT + 604800, "by": "key shop", "reason": "lost the laptop"},
        }
    },
    "unblockUser": {"user": USER},
    "resetUser": {"cleared": 2},
    "setPassword": {"user": USER},
    "listCredentials": {"tokens": [TOKEN], "next": None},
    "issueRecoveryCodes": {
        "token": {**TOKEN, "serial": "", "method": "recovery"},
        "codes": ["ABCD-EFGH-JKMN-PQRS-TUVW-XYZ2"],
    },
    "listGroups": {"groups": [GROUP]},
    "addGroup": {"group": GROUP},
    "getGroup": {"group": GROUP},
    "changeGroup": {"group": {**GROUP, "description": "Everyone on the payroll"}},
    "removeGroup": {"removed": "staff", "members": 1},
    "listTokens": {"tokens": [TOKEN], "next": None},
    "addToken": {
        "token": TOKEN,
        "uri": "otpauth://totp/Vestibule:alice%40example.org?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Vestibule",
        "secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    },
    "importTokens": REPORT,
    "getToken": {"token": TOKEN, "used_at": AT, "drift": 0, "counter": 0, "resync": False, "failures": 0},
    "removeToken": {"removed": "A1"},
    "assignToken": {"token": TOKEN},
    "unassignToken": {"token": {**TOKEN, "user": None}},
    "activateToken": {"token": TOKEN},
    "resyncToken": {"token": TOKEN, "drift": 1, "counter": 0},
    "disableToken": {"token": {**TOKEN, "state": "disabled", "usable": False}},
    "enableToken": {"token": TOKEN},
    "listClients": {"clients": [CLIENT]},
    "addClient": {**CHANGE_OF_CLIENT, "secret": None},
    "getClient": CHANGE_OF_CLIENT,
    "changeClient": {**CHANGE_OF_CLIENT, "changed": ["time_budget"]},
    "removeClient": {"removed": "web"},
    "changeClientSecret": {
        "client": {**CLIENT, "networks": ["192.0.2.0/24"], "secrets": 2},
        "warnings": [],
        "secret": "pV7sYq2mWc9TzK4hRb8NfX3gLd6JuQ5e",
    },
    "listRules": RULES,
    "addRule": {"rule": RULE},
    "getRule": {"rule": RULE},
    "moveRule": RULES,
    "removeRule": {"removed": "staff by token"},
    "testPolicy": {"outcome": "require", "rule": "staff by token", "methods": ["totp"], "second_factor": True},
    "listSettings": {"settings": [SETTING]},
    "getSetting": SETTING,
    "setSetting": {"name": "challenge_seconds", "value": 60.0},
    "unsetSetting": {"name": "challenge_seconds", "value": 120.0},
    "listJournal": {"lines": [LINE], "next": None, "position": "1800000000.0/a1b2c3d4e5f60718/7"},
    "getStatus": {
        "users": 120,
        "groups": 3,
        "tokens": 118,
        "clients": 2,
        "rules": 1,
        "attempts": 0,
        "waiting": 0,
        "now": AT,
    },
}
"""By operation: the answer that is hoped for."""
