ENV["RAILS_ENV"] ||= "test"
require_relative "../config/environment"
require "rails/test_help"

class PagesTest < ActionDispatch::IntegrationTest
  test "says" do
    get "/"
    assert_includes response.body, "rails says"
  end
end
