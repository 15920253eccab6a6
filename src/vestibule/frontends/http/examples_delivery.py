"""Examples of the operations on numbers, providers, routes and prices."""

from typing import Any

AT = 1_800_000_000.0
SECRET = "c2VjcmV0IG9mIHRoZSB3ZWJob29rLCAzMiBvY3RldHM"  # noqa: S105 - an example

PHONE: dict[str, Any] = {
    "id": "5c1d",
    "method": "phone",
    "to": "…00",
    "label": "mine",
    "kind": "mobile",
    "region": "US",
    "extension": False,
    "uses": ["text", "call"],
    "pin": None,
    "state": "active",
    "proven_at": None,
    "changed_at": AT,
}
PROVIDER: dict[str, Any] = {
    "id": "sms",
    "kind": "webhook",
    "media": ["mail", "text"],
    "settings": {"url": "https://sms.example.org/send"},
    "secret": True,
    "enabled": True,
    "hook": "",
    "created_at": AT,
}
ROUTE: dict[str, Any] = {
    "name": "home",
    "position": 1,
    "medium": "text",
    "regions": ["US"],
    "providers": ["sms"],
    "senders": {"sms": "+14255550199"},
}

SENT: dict[str, Any] = {
    "addPhone": {"number": "+1 425 555 0100", "label": "mine"},
    "changePhone": {"uses": ["text"]},
    "setPin": {"must_change": True},
    "addProvider": {
        "id": "sms",
        "kind": "webhook",
        "settings": {"url": "https://sms.example.org/send"},
        "secret": SECRET,
    },
    "changeProvider": {"enabled": False},
    "testProvider": {"user": "alice@example.org"},
    "addRoute": {
        "name": "home",
        "medium": "text",
        "providers": ["sms"],
        "regions": ["US"],
        "senders": {"sms": "+14255550199"},
    },
    "setPrices": {"content": "provider,medium,place,price\nsms,text,*,0.0079\n"},
}

ANSWERED: dict[str, Any] = {
    "listPhones": {"phones": [PHONE]},
    "addPhone": {"phone": PHONE},
    "changePhone": {"phone": {**PHONE, "uses": ["text"]}, "changed": ["uses"]},
    "removePhone": {"removed": "…00"},
    "setPin": {"pin": "7302", "must_change": True},
    "removePin": {"removed": "alice@example.org"},
    "listProviders": {"providers": [PROVIDER]},
    "addProvider": {"provider": PROVIDER},
    "getProvider": {"provider": PROVIDER},
    "changeProvider": {"provider": {**PROVIDER, "enabled": False}, "changed": ["enabled"]},
    "removeProvider": {"removed": "sms"},
    "testProvider": {"message": "01a1fae9edce532074fa5460ebc0b0e5"},
    "listSends": {"sends": [], "next": None},
    "listRoutes": {"routes": [ROUTE]},
    "addRoute": {"routes": [ROUTE]},
    "removeRoute": {"removed": "home"},
    "listPrices": {"prices": [{"provider": "sms", "medium": "text", "place": "*", "price": 0.0079}], "next": None},
    "setPrices": {"prices": 1, "dry_run": False},
}
