"""app.after_request(capture(key=os.environ["CLICK_COOKIE_KEY"], consent=lambda: request.cookies.get("consent") == "yes", request=request))"""

import base64
import hashlib
import hmac
import json
import re
from datetime import UTC, datetime

RULES = [("shopback", ["transaction_id"], "utm_source", "shopback"), ("cashmycell", ["cmc_id"], None, None), ("cpa_moe", ["offer", "wm"], "wm", None)]


def value(query, name):
    """The first value that may be an id."""
    form = re.compile(r"(?!%%|(undefined|n(ull|an|one)|false|0)$)[!-z|~]{1,256}", re.ASCII | re.IGNORECASE)
    texts = (text for text in query.getlist(name) if form.fullmatch(text))
    return next(texts, "")


def sign(text: str, key: str) -> str:
    mac = hmac.digest(base64.b64decode(key.removeprefix("whsec_")), text.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(mac).decode().rstrip("=")


def encode(clicks: dict) -> str:
    payload = json.dumps(clicks, separators=(",", ":")).encode()
    return "v1." + base64.urlsafe_b64encode(payload).decode().rstrip("=")


def capture(key, consent, request, now=lambda: datetime.now(UTC)):
    def after(response):
        found = {}
        for name, params, marker, wanted in RULES:
            marked = value(request.args, marker) if marker else "yes"
            if not marked or (wanted and marked != wanted):
                continue
            click = {param: value(request.args, param) for param in params if value(request.args, param)}
            if click:
                found[name] = click | {"at": now().strftime("%Y-%m-%dT%H:%M:%SZ")}
        if not found or not consent():
            return response
        cookie = re.fullmatch(r"(v1\.([\w-]{1,999}))\.([\w-]+)", request.cookies.get("pb_clicks") or "", re.ASCII)
        # What is not signed by this server is not carried on.
        mine = cookie and hmac.compare_digest(sign(cookie[1], key), cookie[3])
        before = json.loads(base64.urlsafe_b64decode(cookie[2] + "===")) if mine else {}
        # Where all of them are more than a kilobyte, the new ones count.
        kept = next((text for text in map(encode, (before | found, found)) if len(text) <= 980), None)
        if not kept:
            return response
        options = {"max_age": 34560000, "path": "/", "samesite": "Lax", "secure": True, "httponly": True}
        response.set_cookie("pb_clicks", f"{kept}.{sign(kept, key)}", **options)
        return response

    return after
