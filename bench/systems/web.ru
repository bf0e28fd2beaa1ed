# frozen_string_literal: true

# Sidekiq's Web UI for `bench web`; its Redis is the one of REDIS_URL.
require "rack/session"
require "sidekiq/web"

use Rack::Session::Cookie, secret: "x" * 64, same_site: true
run Sidekiq::Web
