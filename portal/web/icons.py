"""The icons of the pages: strokes on a field of 24 by 24."""

from markupsafe import Markup

_STROKES = {
    "error": "M12 8v4.5m0 3.5v.01M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0Z",
    "warning": "M12 9.5v4m0 3v.01M10.3 4.4 2.8 17.5a2 2 0 0 0 1.7 3h15a2 2 0 0 0 1.7-3L13.7"
    " 4.4a2 2 0 0 0-3.4 0Z",
    "success": "m8.3 12.4 2.6 2.6 4.8-5.4M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0Z",
    "info": "M12 11.5V16m0-8v.01M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0Z",
    "building": "M4.5 20.5v-15a1 1 0 0 1 1-1h7a1 1 0 0 1 1 1v15m0-11h5a1 1 0 0 1 1 1v10m-17"
    " 0h19M8 8.5h2m-2 4h2m-2 4h2",
    "screen": "M4 5h16a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1Zm4"
    " 15h8m-4-4v4",
    "arrow": "M5 12h14m-6-6 6 6-6 6",
}
_ICONS = {
    name: Markup(  # noqa: S704 - of the lines above alone
        '<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">'
        f'<path d="{strokes}"/></svg>'
    )
    for name, strokes in _STROKES.items()
}


def icon(name: str) -> Markup:
    """Give an icon as an element. Raises KeyError where there is none of that name."""
    return _ICONS[name]
