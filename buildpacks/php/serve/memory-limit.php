<?php
// memory-limit.php USER_INI FPM_INCLUDE: what one request may use, in MB, by php.ini, .user.ini and the pool's settings; the last word counts.

$limit = ini_get('memory_limit');
[, $userIni, $poolInclude] = $argv;
if (is_file($userIni)) {
    $limit = parse_ini_file($userIni, false, INI_SCANNER_RAW)['memory_limit'] ?? $limit;
}
if (is_file($poolInclude) && preg_match_all('/^\s*php_(?:admin_)?value\[memory_limit\]\s*=\s*"?(-?\w+)/m', file_get_contents($poolInclude), $found)) {
    $limit = end($found[1]);
}
$bytes = ini_parse_quantity($limit);
// Without a limit it is counted as PHP's own.
echo $bytes > 0 ? max(1, intdiv($bytes, 1 << 20)) : 128;
