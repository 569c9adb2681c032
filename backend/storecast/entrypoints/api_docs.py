"""The API's document to read and try, from our own origin: Swagger UI and ReDoc without a CDN or an inline script."""

from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from storecast.kit.errors import NotFound

ASSETS = "/api/docs/assets"
DOCUMENT = "/api/openapi.json"
CACHE = "public, max-age=3600"

_POLICY = (
    "script-src 'self'; connect-src 'self'; font-src 'self' data:; frame-src 'none'; frame-ancestors 'none'; "
    # Both dress themselves with style elements; ReDoc searches in a worker that it makes from a blob.
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; worker-src 'self' blob:"
)

_vendored = files("fastapi_standalone_docs") / "static"
_own = files("storecast.entrypoints") / "static"
_FILES: dict[str, tuple[Traversable, str]] = {
    "swagger-ui.css": (_vendored / "swagger" / "swagger-ui.css", "text/css"),
    "swagger-ui-bundle.js": (_vendored / "swagger" / "swagger-ui-bundle.js", "text/javascript"),
    "redoc.standalone.js": (_vendored / "redoc" / "redoc.standalone.js", "text/javascript"),
    "swagger-start.js": (_own / "swagger-start.js", "text/javascript"),
    "redoc-start.js": (_own / "redoc-start.js", "text/javascript"),
    "docs.css": (_own / "docs.css", "text/css"),
}

router = APIRouter(prefix="/api", include_in_schema=False)


@router.get("/docs")
def try_it() -> Response:
    """Swagger UI."""
    return _page("swagger-ui", ["swagger-ui.css", "docs.css"], ["swagger-ui-bundle.js", "swagger-start.js"])


@router.get("/redoc")
def read_it() -> Response:
    """ReDoc."""
    return _page("redoc", ["docs.css"], ["redoc.standalone.js", "redoc-start.js"])


@router.get("/docs/assets/{name}")
def asset(name: str) -> Response:
    """A file that the two pages load."""
    if name not in _FILES:
        raise NotFound
    file, media_type = _FILES[name]
    return Response(file.read_bytes(), media_type=media_type, headers={"Cache-Control": CACHE})


def _page(root: str, styles: list[str], scripts: list[str]) -> Response:
    links = "".join(f'<link rel="stylesheet" href="{ASSETS}/{name}">' for name in styles)
    tags = "".join(f'<script src="{ASSETS}/{name}"></script>' for name in scripts)
    body = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Storecast API</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" type="image/svg+xml" href="/favicon.svg">{links}</head>'
        f'<body><div id="{root}" data-document="{DOCUMENT}"></div>{tags}</body></html>'
    )
    return HTMLResponse(body, headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"})
