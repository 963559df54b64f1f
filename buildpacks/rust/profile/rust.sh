# The app's programs by name; Rocket takes address and port from its own variables.
export PATH="$HOME/target/release:$PATH"
export ROCKET_ADDRESS=${ROCKET_ADDRESS:-0.0.0.0} ROCKET_PORT=${ROCKET_PORT:-${PORT-}}
