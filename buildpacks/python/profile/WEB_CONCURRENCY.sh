# How many processes gunicorn and uvicorn start, as Heroku counts: 256 MB each, and no more than two a processor and one. From what
# MEMORY_AVAILABLE.sh has found; no command is started here, for every dyno's start waits for it.

if [[ -z ${WEB_CONCURRENCY-} ]]; then
  processors=0
  while read -r word _; do [[ $word == processor ]] && ((processors += 1)); done </proc/cpuinfo
  WEB_CONCURRENCY=$((MEMORY_AVAILABLE / 256))
  ((WEB_CONCURRENCY > processors * 2 + 1)) && WEB_CONCURRENCY=$((processors * 2 + 1))
  ((WEB_CONCURRENCY >= 1)) || WEB_CONCURRENCY=1
  export WEB_CONCURRENCY WEB_CONCURRENCY_SET_BY=python
  unset processors word
fi
