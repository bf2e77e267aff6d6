// pbCapture(yes => whenTheVisitorAgrees(yes))
function pbCapture(ask) {
  let q = new URLSearchParams(location.search), now = {}, at = new Date,
    get = p => q.getAll(p).find(v => /^(?!%%|(undefined|n(ull|an|one)|false|0)$)[!-z|~]{1,256}$/i.test(v))
  for (let [name, params, mark, only] of [
    ["shopback", ["transaction_id"], "utm_source", "shopback"],
    ["cashmycell", ["cmc_id"], "cmc_id"],
    ["cpa_moe", ["offer", "wm"], "wm"]
  ]) for (let p of params) {
    let m = get(mark), v = get(p)
    if (v && m && m == (only || m)) now[name] = {...now[name], [p]: v, at}
  }
  if (Object.keys(now)[0]) ask(() => {
    for (let old of [document.cookie.match(/(^|; )pb_clicks=v1\.(eyJ[\w-]+)/), [,, "e30"]]) try {
      let all = btoa(JSON.stringify({...JSON.parse(atob(old[2].replace(/-/g, "+").replace(/_/g, "/"))), ...now})).replace(/\+/g, "-").replace(/\//g, "_").split("=")[0]
      if (!all[1021]) return document.cookie = `pb_clicks=v1.${all};path=/;max-age=34560000;samesite=lax;secure`
    } catch {}
  })
}
