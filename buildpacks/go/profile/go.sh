# The app's programs by name, and a heap that stays within the dyno's memory: the collector works harder before the kernel kills.
export PATH="$PATH:$HOME/bin"
export GOMEMLIMIT=${GOMEMLIMIT:-$((MEMORY_AVAILABLE * 9 / 10))MiB}
