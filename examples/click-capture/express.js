// app.use(capture({ key: process.env.CLICK_COOKIE_KEY, consent: (req) => req.cookies.consent === "yes" }))
const { createHmac, timingSafeEqual } = require("node:crypto");

const RULES = [["shopback", ["transaction_id"], "utm_source", "shopback"], ["cashmycell", ["cmc_id"]], ["cpa_moe", ["offer", "wm"], "wm"]];
// The first value that may be an id.
const value = (query, name) => query.getAll(name).find((text) => /^(?!%%|(undefined|n(ull|an|one)|false|0)$)[!-z|~]{1,256}$/i.test(text)) || "";
const sign = (text, key) => createHmac("sha256", Buffer.from(key.slice("whsec_".length), "base64")).update(text).digest("base64url");

function capture({ key, consent, now = () => new Date() }) {
  return (req, res, next) => {
    // Not req.query, where a parameter that comes twice is a list and one in brackets an object.
    const query = new URLSearchParams(req.originalUrl.replace(/^[^?]*/, ""));
    const found = {};
    for (const [name, params, marker, wanted] of RULES) {
      const marked = marker ? value(query, marker) : "yes";
      if (!marked || (wanted && marked !== wanted)) continue;
      for (const param of params) {
        if (value(query, param)) found[name] = { ...found[name], [param]: value(query, param), at: now().toISOString() };
      }
    }
    if (Object.keys(found).length === 0 || !consent(req)) return next();
    const [, text, payload, mac] = /(?:^|;) *pb_clicks=(v1\.([\w-]{1,999}))\.([\w-]+) *(?:;|$)/.exec(req.headers.cookie || "") || [];
    // What is not signed by this server is not carried on.
    const mine = text && mac.length === 43 && timingSafeEqual(Buffer.from(sign(text, key)), Buffer.from(mac));
    const before = mine ? JSON.parse(Buffer.from(payload, "base64url")) : {};
    const encoded = [{ ...before, ...found }, found].map((clicks) => "v1." + Buffer.from(JSON.stringify(clicks)).toString("base64url"));
    // Where all of them are more than a kilobyte, the new ones count.
    const kept = encoded.find((text) => text.length <= 980);
    if (!kept) return next();
    res.cookie("pb_clicks", `${kept}.${sign(kept, key)}`, { path: "/", maxAge: 34560000000, sameSite: "lax", secure: true, httpOnly: true });
    next();
  };
}

module.exports = { capture };
