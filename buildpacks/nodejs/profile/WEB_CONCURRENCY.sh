# How many processes fit into this dyno, for servers that fork: Heroku's variables, from the dyno's own memory limit.
# No command is started here, for every dyno's start waits for it.

if [[ -z ${MEMORY_AVAILABLE-} ]]; then
  MEMORY_AVAILABLE=512
  for limit in /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes; do
    if [[ -r $limit ]] && read -r bytes <"$limit" && [[ $bytes =~ ^[0-9]+$ ]] && ((bytes < 129024 * 1048576)); then
      MEMORY_AVAILABLE=$((bytes / 1048576))
      break
    fi
  done
  unset limit bytes
fi
export MEMORY_AVAILABLE
export WEB_MEMORY=${WEB_MEMORY:-$((MEMORY_AVAILABLE > 16384 ? 2048 : 512))}

if [[ -z ${WEB_CONCURRENCY-} ]]; then
  WEB_CONCURRENCY=$((MEMORY_AVAILABLE / WEB_MEMORY))
  ((WEB_CONCURRENCY >= 1 && WEB_CONCURRENCY <= 200)) || WEB_CONCURRENCY=1
  export WEB_CONCURRENCY WEB_CONCURRENCY_SET_BY=nodejs
fi

if [[ ${LOG_CONCURRENCY-} == true ]]; then
  echo "Detected $MEMORY_AVAILABLE MB available memory, $WEB_MEMORY MB limit per process (WEB_MEMORY)"
  echo "Recommending WEB_CONCURRENCY=$WEB_CONCURRENCY"
fi
