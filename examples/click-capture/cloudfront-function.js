// A CloudFront Function (runtime 2.0) for the event "viewer response" of the shop's own distribution: it keeps the
// clicks of the page's address in the cookie pb_clicks. docs/from-click-to-order.md
const RULES = [
  ["shopback", ["transaction_id"], "utm_source", "shopback"],
  ["cashmycell", ["cmc_id"]],
  ["cpa_moe", ["offer", "wm"], "wm"],
];

// Put your own condition here: nothing is kept before it is true.
function consent(cookies) {
  return !!cookies.consent && cookies.consent.value === "yes";
}

function value(query, name) {
  try {
    const text = query[name] ? decodeURIComponent(query[name].value) : "";
    return /^(?!%%|undefined$|null$)[!-z|~]{1,256}$/.test(text) ? text : "";
  } catch (error) {
    return "";
  }
}

function clicks(query, at) {
  const now = {};
  RULES.forEach(([name, params, marker, wanted]) => {
    const marked = marker ? value(query, marker) : "yes";
    if (!marked || (wanted && marked !== wanted)) return;
    params.filter((param) => value(query, param)).forEach((param) => {
      now[name] = Object.assign(now[name] || {}, { [param]: value(query, param), at: at });
    });
  });
  return now;
}

function before(cookies) {
  try {
    return JSON.parse(Buffer.from(cookies.pb_clicks.value.split(".")[1], "base64url").toString());
  } catch (error) {
    return {};
  }
}

function handler(event) {
  const cookies = event.request.cookies || {};
  const response = event.response;
  const now = clicks(event.request.querystring || {}, new Date().toISOString());
  if (Object.keys(now).length === 0 || !consent(cookies)) return response;
  const all = Object.assign(before(cookies), now);
  const text = "v1." + Buffer.from(JSON.stringify(all)).toString("base64url");
  if (text.length > 1024) return response;
  response.cookies = response.cookies || {};
  response.cookies.pb_clicks = { value: text, attributes: "Path=/; Max-Age=34560000; SameSite=Lax; Secure" };
  return response;
}
