# Every Java of this dyno: a heap within its memory (the rest is for threads, code and classes), an end instead of agony when that runs out, and
# the certificates that the host trusts. What the command line says wins (JAVA_OPTS), and so does the app's own JAVA_TOOL_OPTIONS.
for home in /usr/lib/jvm/java-17-openjdk-*; do export JAVA_HOME=${JAVA_HOME:-$home}; done
unset home

java_options="-XX:MaxRAMPercentage=$((MEMORY_AVAILABLE <= 512 ? 60 : 75)).0 -XX:+ExitOnOutOfMemoryError -XX:-UsePerfData -Dfile.encoding=UTF-8"
((MEMORY_AVAILABLE <= 512)) && java_options+=" -Xss512k -XX:CICompilerCount=2"
[[ -f $HOME/.heroku/java/cacerts ]] && java_options+=" -Djavax.net.ssl.trustStore=$HOME/.heroku/java/cacerts"
export JAVA_TOOL_OPTIONS="$java_options${JAVA_TOOL_OPTIONS:+ $JAVA_TOOL_OPTIONS}"
unset java_options
