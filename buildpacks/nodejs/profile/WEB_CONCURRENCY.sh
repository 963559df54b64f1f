# How many processes fit into this dyno, for servers that fork: Heroku's variables, from what MEMORY_AVAILABLE.sh has found.

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
