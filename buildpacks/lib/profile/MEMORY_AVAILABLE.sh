# The dyno's memory limit in MB, for what shares it out (MEMORY_AVAILABLE is Heroku's name). No command is started here, for every
# dyno's start waits for it.

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
