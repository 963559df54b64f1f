require "sinatra/base"

class Greeter < Sinatra::Base
  get("/") { "sinatra says #{File.read("text").strip} on rack #{Rack.release}" }
end

run Greeter
