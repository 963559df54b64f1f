require_relative "boot"
require "rails"
require "action_controller/railtie"
require "action_view/railtie"
require "sprockets/railtie"
Bundler.require(*Rails.groups)

module Shop
  class Application < Rails::Application
    config.load_defaults 6.1
    config.eager_load = true
    config.assets.compile = Rails.env.test?
    config.assets.css_compressor = nil
    config.assets.js_compressor = nil
    config.public_file_server.enabled = ENV["RAILS_SERVE_STATIC_FILES"].present?
    config.logger = ActiveSupport::Logger.new($stdout) if ENV["RAILS_LOG_TO_STDOUT"].present?
  end
end
