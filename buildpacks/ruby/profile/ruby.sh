# Bundler finds its gems where the build has put them; Rails and Rack know whether they serve or are tested, as on Heroku.
export BUNDLE_PATH=${BUNDLE_PATH:-vendor/bundle} BUNDLE_DEPLOYMENT=${BUNDLE_DEPLOYMENT:-1} BUNDLE_WITHOUT=${BUNDLE_WITHOUT-@LEFT_OUT@}
# Or Bundler would look for the version that wrote the lock file, and fetch it.
export BUNDLER_VERSION=${BUNDLER_VERSION:-@BUNDLER@}
export RACK_ENV=${RACK_ENV:-@MODE@} RAILS_ENV=${RAILS_ENV:-@MODE@} RAILS_SERVE_STATIC_FILES=${RAILS_SERVE_STATIC_FILES:-enabled} RAILS_LOG_TO_STDOUT=${RAILS_LOG_TO_STDOUT:-enabled}
# More arenas cost a threaded server memory, and gain it little.
export MALLOC_ARENA_MAX=${MALLOC_ARENA_MAX:-2}
export PATH=/app/bin:$PATH
