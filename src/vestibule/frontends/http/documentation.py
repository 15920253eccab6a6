"""The description as JSON, and as pages for people: made here, without scripts or anything from elsewhere."""

import json
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, Response

from vestibule.frontends.http.description import TAGS, operations, right_of
from vestibule.frontends.http.problems import KINDS

router = APIRouter(include_in_schema=False)

STYLE = """\
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1b1f24;
  background: #fff; }
code, pre { font: 0.9rem/1.4 ui-monospace, monospace; }
pre { background: #f3f4f6; padding: 0.75rem; overflow-x: auto; border-radius: 0.3rem; }
summary { cursor: pointer; padding: 0.3rem 0; }
summary b { display: inline-block; min-width: 4.5rem; }
table { border-collapse: collapse; } td, th { text-align: left; padding: 0.2rem 1rem 0.2rem 0; vertical-align: top; }
@media (prefers-color-scheme: dark) { body { color: #e6e8eb; background: #16181c; } pre { background: #23262c; }
  a { color: #8ab4f8; } }
"""
PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="/api/v1/docs.css">
<h1>{title}</h1>
{content}
</html>
"""


@router.get("/openapi.json")
async def openapi(request: Request) -> Response:
    """The description."""
    return JSONResponse(request.app.openapi())


@router.get("/docs")
async def docs(request: Request) -> Response:
    """All operations on one page."""
    return _page("Vestibule API", _listing(request.app.openapi()))


@router.get("/docs.css")
async def style() -> Response:
    """How the pages look."""
    return Response(STYLE, media_type="text/css")


@router.get("/problems/{name}")
async def problem(name: str) -> Response:
    """What a problem's `type` leads to."""
    kind = next((kind for kind in KINDS if kind.name == name), None)
    if kind is None:
        raise HTTPException(404)
    return _page(kind.title, f"<p>Status {kind.status}.</p><p>{escape(kind.remedy)}</p>")


def _page(title: str, content: str) -> Response:
    return HTMLResponse(PAGE.format(title=escape(title), content=content))


def _listing(description: dict[str, Any]) -> str:
    parts = [f"<p>{escape(text)}</p>" for text in description["info"]["description"].split("\n\n")]
    parts.append('<p><a href="/api/v1/openapi.json">openapi.json</a></p>')
    for tag, text in TAGS:
        parts += [f"<h2>{escape(tag)}</h2>", f"<p>{escape(text)}</p>"]
        parts += [_operation(*one) for one in operations(description) if tag == one[2]["tags"][-1]]
    return "\n".join(parts)


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    content = [f"<p>{escape(operation['description'])}</p>", f"<p>Takes <code>{right_of(operation)}</code>.</p>"]
    content.append(_parameters(operation.get("parameters", [])))
    media = operation.get("requestBody", {}).get("content", {}).values()
    sent = [one["example"] for one in media if "example" in one]
    content += [f"<p>Sent</p>{_example(one)}" for one in sent]
    status, hoped_for = next(iter(operation["responses"].items()))
    content.append(f"<p>Answer {status}</p>{_example(hoped_for['content']['application/json']['example'])}")
    summary = f"<b>{method}</b> <code>{escape(path)}</code> — {escape(operation['summary'])}"
    return f'<details id="{operation["operationId"]}"><summary>{summary}</summary>{"".join(content)}</details>'


def _parameters(parameters: list[dict[str, Any]]) -> str:
    rows = [
        f"<tr><td><code>{escape(one['name'])}</code></td><td>{one['in']}</td>"
        f"<td>{escape(one.get('description', ''))}</td></tr>"
        for one in parameters
    ]
    return f"<table>{''.join(rows)}</table>" if rows else ""


def _example(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    return f"<pre>{escape(text)}</pre>"
