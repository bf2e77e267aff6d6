// A CloudFront Function (runtime 2.0) for the event "viewer response" of the shop's own distribution: it keeps the
// clicks of the page's address in the cookie pb_clicks. docs/from-click-to-order.md
// That runtime knows no destructuring and no spread: it takes older JavaScript than a browser.
const RULES = [
  { name: "shopback", params: ["transaction_id"], marker: "utm_source", wanted: "shopback" },
  { name: "cashmycell", params: ["cmc_id"] },
  { name: "cpa_moe", params: ["offer", "wm"], marker: "wm" },
];

// Put your own condition here: nothing is kept before it is true.
function consent(cookies) {
  return !!cookies.consent && cookies.consent.value === "yes";
}

function decoded(text) {
  try {
    return decodeURIComponent(text.replace(/\+/g, " "));
  } catch (error) {
    return "";
  }
}

// The first value that may be an id.
function value(query, name) {
  const given = query[name] ? query[name].multiValue || [query[name]] : [];
  const texts = given.map((one) => decoded(one.value));
  return texts.find((text) => /^(?!%%|(undefined|n(ull|an|one)|false|0)$)[!-z|~]{1,256}$/i.test(text)) || "";
}

function clicks(query, at) {
  const now = {};
  RULES.forEach((rule) => {
    const marked = rule.marker ? value(query, rule.marker) : "yes";
    if (!marked || (rule.wanted && marked !== rule.wanted)) return;
    rule.params.filter((param) => value(query, param)).forEach((param) => {
      now[rule.name] = Object.assign(now[rule.name] || {}, { [param]: value(query, param), at: at });
    });
  });
  return now;
}

function before(cookies) {
  try {
    const payload = /^v1\.([\w-]+)/.exec(cookies.pb_clicks.value)[1];
    const clicks = JSON.parse(Buffer.from(payload, "base64url").toString());
    return clicks && typeof clicks === "object" && !Array.isArray(clicks) ? clicks : {};
  } catch (error) {
    return {};
  }
}

function encode(clicks) {
  return "v1." + Buffer.from(JSON.stringify(clicks)).toString("base64url");
}

function handler(event) {
  const cookies = event.request.cookies || {};
  const response = event.response;
  const now = clicks(event.request.querystring || {}, new Date().toISOString());
  if (Object.keys(now).length === 0 || !consent(cookies)) return response;
  // Where all of them are more than a kilobyte, the new ones count.
  const kept = [Object.assign(before(cookies), now), now].map(encode).find((text) => text.length <= 1024);
  if (!kept) return response;
  response.cookies = response.cookies || {};
  response.cookies.pb_clicks = { value: kept, attributes: "Path=/; Max-Age=34560000; SameSite=Lax; Secure" };
  return response;
}
