# frozen_string_literal: true

# Sidekiq's own CurrentAttributes middleware on payloads: one JSON request on a line of standard input.
# {"load": payload} answers what a job would find set; {"save": attributes} answers the payload of a push with them.

require "json"
require "sidekiq"
begin
  require "active_job"
rescue LoadError
  $LOAD_PATH.unshift File.join(__dir__, "stubs")
end
require "sidekiq/middleware/current_attributes"

if defined?(ActiveSupport)
  class Current < ActiveSupport::CurrentAttributes
    attribute :tenant, :locale, :none
  end
end

# From Sidekiq 7 on there may be several such classes, each under a name of its own.
classes = (Sidekiq::VERSION < "7") ? Current : {"cattr" => "Current"}
request = JSON.parse($stdin.read)
if request["load"]
  Sidekiq::CurrentAttributes::Load.new(classes).call(nil, request["load"], nil) do
    puts JSON.generate(Current.attributes.compact)
  end
else
  payload = {"class" => "see", "args" => []}
  Current.set(request["save"].transform_keys(&:to_sym)) do
    Sidekiq::CurrentAttributes::Save.new(classes).call(nil, payload, nil, nil) {}
    puts JSON.generate(payload)
  end
end
