# Where tests find what was built for them. Maven and its wrapper look into ~/.m2 by themselves.
export GRADLE_USER_HOME=${GRADLE_USER_HOME:-$HOME/.heroku/java/gradle}
# Whoever serves one command need not stay, nor compile itself thoroughly.
export GRADLE_OPTS="-Dorg.gradle.daemon=false${GRADLE_OPTS:+ $GRADLE_OPTS}"
export MAVEN_OPTS="-XX:TieredStopAtLevel=1${MAVEN_OPTS:+ $MAVEN_OPTS}"
