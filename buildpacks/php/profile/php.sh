# The web servers' commands, and the app's own; PHP's settings, with more of them in the app's PHP_INI_SCAN_DIR. An empty entry is PHP's own
# folder, which must be there once.
export PATH=/opt/paas/buildpacks/php/serve:$HOME/@BIN@:$PATH
export PHP_INI_SCAN_DIR=:/opt/paas/buildpacks/php/ini${PHP_INI_SCAN_DIR:+:${PHP_INI_SCAN_DIR#:}}
