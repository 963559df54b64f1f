# Sourced by heroku-php-nginx and heroku-php-apache2: PHP-FPM and the web server in front of it, from start to end. They set $server (its
# name), $frame (the file that its configuration goes into, if any), $program (how it is called, but for the file of its configuration),
# $finish (the signal on which it finishes its requests) and $end (what ends a line of its configuration).
#
# The configuration lies in a new folder of /tmp, the only place that must be writable.

set -uo pipefail

main() {
  read_options "$@"
  home=$(mktemp -d "/tmp/$server.XXXXXX") || exit 1
  configure
  stopping= fpm_pid= server_pid= followers=()
  trap 'stopping=yes; [[ ! $server_pid ]] || kill -s "$finish" "$server_pid" 2>/dev/null' TERM INT
  start_fpm
  [[ $stopping ]] || start_server
  until_one_ends
  end_others
}

# Sets include, fpm_include, ini, logs and root, of files and folders of the app.
read_options() {
  local option OPTIND=1 OPTARG
  include= fpm_include= ini= logs=()
  while getopts :C:F:i:l:p:vc:f: option; do
    case $option in
      C) include=$(file_of -C "$OPTARG") || exit 1 ;;
      F) fpm_include=$(file_of -F "$OPTARG") || exit 1 ;;
      i) ini=$(file_of -i "$OPTARG") || exit 1 ;;
      l) logs+=("$OPTARG") ;;
      p) PORT=$OPTARG ;;
      v) ;;
      c | f) refuse "-$option takes the place of the whole configuration, which is not supported here. Write what is to be different into a file for -${option^^}." ;;
      :) refuse "-$OPTARG needs a file." ;;
      *) refuse "there is no option -$OPTARG. Known: -C, -F, -i, -l, -p." ;;
    esac
  done
  shift $((OPTIND - 1))
  (($# < 2)) || refuse "more than one document root: $*."
  local given=${1-}
  [[ $given || ! -f /app/.heroku/php/document-root ]] || given=$(</app/.heroku/php/document-root)
  root=$(cd "${given:-.}" 2>/dev/null && pwd) || refuse "there is no folder \"$given\" to serve."
  # It stands between quotes in the configuration.
  [[ $root != *['"\$@{};'[:cntrl:]]* ]] || refuse "the document root's name holds characters that a web server's configuration cannot."
}

file_of() {
  [[ -f $2 ]] || refuse "$1 names $2, and there is no such file."
  realpath -- "$2"
}

refuse() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

configure() {
  mkdir "$home/ini" || exit 1
  printf 'error_log = /dev/stderr\nlog_errors = On\n' >"$home/ini/10-log.ini"
  [[ ! $ini ]] || cp "$ini" "$home/ini/20-app.ini" || exit 1
  PHP_INI_SCAN_DIR=${PHP_INI_SCAN_DIR:-:/opt/paas/buildpacks/php/ini}:$home/ini
  export PHP_INI_SCAN_DIR
  # A configuration that is a PHP program is what it prints, as on Heroku.
  include=$(printed "$include" include.conf) && fpm_include=$(printed "$fpm_include" fpm-include.conf) || exit 1
  workers
  fill php-fpm.conf "${fpm_include:+include = $fpm_include}" ""
  fill "$server.conf" "${include:+include \"$include\"$end}" "$frame"
}

printed() {
  [[ $1 == *.php ]] || { printf %s "$1"; return; }
  php "$1" >"$home/$2" || refuse "$1 failed."
  printf %s "$home/$2"
}

# Sets WEB_CONCURRENCY: how many requests at a time PHP has the memory for, each up to its memory_limit.
workers() {
  [[ ${WEB_CONCURRENCY-} =~ ^[1-9][0-9]*$ ]] && return
  local limit
  limit=$(php -c "$(echo /etc/php/*/fpm/php.ini)" "$here/memory-limit.php" "$root/.user.ini" "$fpm_include") || exit 1
  WEB_CONCURRENCY=$((${MEMORY_AVAILABLE:-512} / limit))
  ((WEB_CONCURRENCY >= 1)) || WEB_CONCURRENCY=1
  export WEB_CONCURRENCY
}

# Writes one of the configurations beside this file into $home, its include being $2, within the file $3, if any.
fill() {
  local text around private=
  text=$(<"$here/$1")
  if [[ $3 ]]; then
    around=$(<"$3")
    text=${around/@SITE@/"$text"}
    text=${text/@ERROR_LEVEL@/error}
    text=${text/@ACCESS_LOG@/\/dev\/stdout line}
  fi
  # Beside the site where its root is the top of the repository, and no part of it.
  [[ $root != /app ]] || private='composer\.(?:json|lock|phar)|auth\.json|Procfile|app\.json|package(?:-lock)?\.json|php\.ini|vendor|node_modules'
  text=${text//@INCLUDE@/"$2"}
  text=${text//@HOME@/"$home"}
  text=${text//@ROOT@/"$root"}
  text=${text//@PORT@/"${PORT:-5000}"}
  text=${text//@WORKERS@/"$WEB_CONCURRENCY"}
  printf '%s\n' "${text//@PRIVATE@/"${private:-(?!)}"}" >"$home/$1"
}

# Both are started in sessions of their own: a signal to this shell's process group is for the shell, which knows how each of them finishes.
# Returns when PHP-FPM takes requests: the server would answer 502 before.
start_fpm() {
  local fpm=(/usr/sbin/php-fpm*)
  setsid "${fpm[0]}" --nodaemonize --fpm-config "$home/php-fpm.conf" &
  fpm_pid=$!
  while [[ ! -S $home/php-fpm.sock && ! $stopping ]] && alive "$fpm_pid"; do sleep 0.02; done
}

start_server() {
  alive "$fpm_pid" || return
  local log
  for log in "${logs[@]}"; do
    setsid tail -qF -n 0 "$log" 2>/dev/null &
    followers+=($!)
  done
  setsid "${program[@]}" "$home/$server.conf" &
  server_pid=$!
  # SIGTERM may have come before there was a process to tell.
  [[ ! $stopping ]] || kill -s "$finish" "$server_pid" 2>/dev/null
  echo "$server serves $root on port ${PORT:-5000}; PHP takes $WEB_CONCURRENCY requests at a time"
}

# Sets status. `wait` also returns when a trap has run, and at once when one had ended before: who is left is what counts.
until_one_ends() {
  local name=php-fpm ended=$fpm_pid
  status=0
  while alive "$fpm_pid" && alive "$server_pid"; do wait -n "$fpm_pid" "$server_pid" 2>/dev/null; done
  ! alive "$fpm_pid" || name=$server ended=$server_pid
  [[ ! $ended ]] || { wait "$ended" 2>/dev/null; status=$?; }
  [[ ! $stopping ]] || return
  echo "${0##*/}: $name has ended (exit code $status), so the dyno ends" >&2
  ((status != 0)) || status=1
}

# The server first: requests that it still has need PHP-FPM.
end_others() {
  [[ $stopping || ! $server_pid ]] || kill -TERM "$server_pid" 2>/dev/null
  await "$server_pid"
  kill -QUIT "$fpm_pid" 2>/dev/null
  ((${#followers[@]} == 0)) || kill "${followers[@]}"
  await "$fpm_pid"
  rm -rf "$home"
  exit "$status"
}

alive() { [[ $1 ]] && kill -0 "$1" 2>/dev/null; }

await() { while alive "$1"; do wait "$1"; done; }
