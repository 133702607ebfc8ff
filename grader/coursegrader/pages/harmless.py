"""Students' notebooks as pages that staff can open: HTML and markdown without anything that runs or calls home.

nbgrader's pages (the formgrader's and the feedback's) show markdown and HTML outputs as they are. A student's script in
them would run with the rights of whoever opens the page: in the formgrader, those of the course's staff. These two
filters take the place of nbconvert's own; `nbgrader_config.py` names them.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from html import escape

import bleach
from bleach.css_sanitizer import CSSSanitizer
from jinja2 import pass_context
from jinja2.runtime import Context
from nbconvert.exporters import HTMLExporter

# HTML longer (pictures aside) or nested deeper than this is shown as text: cleaning it takes longer than anyone waits.
MAX_HTML = 200_000
MAX_DEPTH = 100
TAGS = frozenset(
    "a abbr b blockquote br caption code col colgroup dd del details div dl dt em figcaption figure h1 h2 h3 h4 h5 h6"
    " hr i img ins kbd li mark ol p pre q s samp small span strong sub summary sup table tbody td tfoot th thead tr tt"
    " u ul var".split()
)
ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title", "width", "height"},
    "td": {"colspan", "rowspan", "align"},
    "th": {"colspan", "rowspan", "align", "scope"},
    "ol": {"start"},
    "table": {"border"},
    "details": {"open"},
}
# Pygments' classes and pandas' tables. Any other class, and every id, could stand for a part of the page itself.
CLASS = re.compile(r"highlight|dataframe|hl-[\w-]+|[a-z][a-z\d]{0,2}")
# No address but pictures in the page and files beside it: whatever is loaded is loaded with the reader's cookies.
PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp|svg\+xml)[;,].*|[\w-][\w.-]*(?:/[\w-][\w.-]*)*", re.DOTALL)
DATA = re.compile(r"data:image/[^\s\"'>]*")
TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]*)")
VOID = {"br", "hr", "img", "col"}


def clean_html(html: object) -> str:
    """HTML with text, tables, plain pictures and links, and no other element, attribute or address."""
    text = html.decode(errors="replace") if isinstance(html, bytes) else str(html)
    if len(DATA.sub("", text)) > MAX_HTML or _is_deep(text):
        return f"<pre>{escape(text[:MAX_HTML])}</pre>"
    return _cleaner().clean(text)


@pass_context
def markdown2html(context: Context, source: str) -> str:
    """Markdown as nbconvert shows it, attachments included, cleaned."""
    return clean_html(_exporter().markdown2html(context, source))


@lru_cache(maxsize=1)
def _exporter() -> HTMLExporter:
    # Beside each heading, a link to itself: with its class cleaned away it would show all the time.
    return HTMLExporter(exclude_anchor_links=True)


@lru_cache(maxsize=1)
def _cleaner() -> bleach.Cleaner:
    return bleach.Cleaner(
        tags=TAGS,
        attributes=_is_harmless,
        protocols={"http", "https", "mailto", "data"},
        css_sanitizer=CSSSanitizer(),
    )


def _is_harmless(tag: str, name: str, value: str) -> bool:
    if name == "style":
        return True
    if name == "class":
        return all(CLASS.fullmatch(one) for one in value.split())
    if name == "src":
        return tag == "img" and PICTURE.fullmatch(value) is not None
    if name == "href":
        return tag == "a" and not value.strip().lower().startswith("data:")
    return name in ATTRIBUTES.get(tag, ())


def _is_deep(html: str) -> bool:
    """Whether elements may be nested deeply; one that is never closed counts to the end."""
    open_elements: Counter[str] = Counter()
    depth = 0
    for end, name in TAG.findall(html):
        name = name.lower()
        step = 0 if name in VOID else 1 if not end else -1 if open_elements[name] else 0
        open_elements[name] += step
        depth += step
        if depth > MAX_DEPTH:
            return True
    return False
