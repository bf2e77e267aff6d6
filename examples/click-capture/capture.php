<?php
// pb_capture(getenv('CLICK_COOKIE_KEY'), fn() => ($_COOKIE['consent'] ?? '') === 'yes'); before the first byte of a page.

function pb_sign(string $text, string $key): string {
    $mac = hash_hmac('sha256', $text, base64_decode(substr($key, strlen('whsec_'))), true);
    return rtrim(strtr(base64_encode($mac), '+/', '-_'), '=');
}

// The first value that may be an id: of a parameter that comes twice $_GET has the last alone.
function pb_value(string $name): string {
    foreach (explode('&', $_SERVER['QUERY_STRING'] ?? '') as $pair) {
        [$given, $text] = array_map('urldecode', explode('=', $pair, 2)) + ['', ''];
        if ($given === $name && preg_match('/^(?!%%|(undefined|n(ull|an|one)|false|0)$)[!-z|~]{1,256}$/Di', $text)) return $text;
    }
    return '';
}

function pb_capture(string $key, callable $consent): void {
    $rules = [['shopback', ['transaction_id'], 'utm_source', 'shopback'], ['cashmycell', ['cmc_id'], null, null], ['cpa_moe', ['offer', 'wm'], 'wm', null]];
    $found = [];
    foreach ($rules as [$name, $params, $marker, $wanted]) {
        $marked = $marker ? pb_value($marker) : 'yes';
        if ($marked === '' || ($wanted && $marked !== $wanted)) continue;
        foreach ($params as $param) {
            if (pb_value($param) !== '') $found[$name] = ($found[$name] ?? []) + [$param => pb_value($param), 'at' => gmdate('Y-m-d\TH:i:s\Z')];
        }
    }
    if (!$found || !$consent()) return;
    $before = [];
    $cookie = $_COOKIE['pb_clicks'] ?? '';
    // What is not signed by this server is not carried on.
    if (is_string($cookie) && preg_match('/^(v1\.([\w-]{1,999}))\.([\w-]+)$/D', $cookie, $m) && hash_equals(pb_sign($m[1], $key), $m[3])) {
        $before = json_decode(base64_decode(strtr($m[2], '-_', '+/')), true) ?: [];
    }
    // Where all of them are more than a kilobyte, the new ones count.
    foreach ([$found + $before, $found] as $clicks) {
        $kept = 'v1.' . rtrim(strtr(base64_encode(json_encode($clicks, JSON_UNESCAPED_SLASHES)), '+/', '-_'), '=');
        if (strlen($kept) <= 980) break;
    }
    if (strlen($kept) > 980) return;
    setcookie('pb_clicks', $kept . '.' . pb_sign($kept, $key), ['expires' => time() + 34560000, 'path' => '/', 'samesite' => 'Lax', 'secure' => true, 'httponly' => true]);
}
