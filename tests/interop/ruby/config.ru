# frozen_string_literal: true

# Sidekiq's Web UI as an application of its own, for Sidekiq 8: the Redis is the one of REDIS_URL.

require "rack/session"
require "sidekiq/web"

use Rack::Session::Cookie, secret: "x" * 64, same_site: true
run Sidekiq::Web
