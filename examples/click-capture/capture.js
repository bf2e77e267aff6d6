// pbCapture(yes => whenTheVisitorAgrees(yes)) keeps clicks in pb_clicks
function pbCapture(consent) {
  let q = new URLSearchParams(location.search), now = {}, at = new Date()
  for (let [name, params, marker, value] of [
    ["shopback", ["transaction_id"], "utm_source", "shopback"],
    ["cashmycell", ["cmc_id"]],
    ["cpa_moe", ["offer", "wm"], "wm"]
  ]) for (let p of params) {
    let m = q.get(marker), v = q.get(p)
    if ((!marker || m && m == (value || m)) && /^(?!%%|undefined$|null$)[!-z|~]{1,256}$/.test(v))
      now[name] = {...now[name], [p]: v, at}
  }
  if (Object.keys(now)[0]) consent(() => {
    let all = {}
    try {
      all = JSON.parse(atob(document.cookie.match(/pb_clicks=v1\.([\w-]{1,999})/)[1].replace(/-/g, "+").replace(/_/g, "/")))
    } catch {}
    all = "v1." + btoa(JSON.stringify({...all, ...now})).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "")
    if (!all[1024]) document.cookie = `pb_clicks=${all};path=/;max-age=34560000;samesite=lax;secure`
  })
}
