# frozen_string_literal: true

# Sidekiq's own CurrentAttributes middleware on payloads: one JSON request on a line of standard input.
# {"load": payload} answers what a job would find set; {"save": attributes} answers the payload of a push with them.

$LOAD_PATH.unshift File.join(__dir__, "stubs")
require "json"
require "sidekiq"
require "sidekiq/middleware/current_attributes"

request = JSON.parse($stdin.read)
if request["load"]
  Sidekiq::CurrentAttributes::Load.new(Current).call(nil, request["load"], nil) do
    puts JSON.generate(Current.attributes)
  end
else
  payload = {"class" => "see", "args" => []}
  Current.set(request["save"].transform_keys(&:to_sym)) do
    Sidekiq::CurrentAttributes::Save.new(Current).call(nil, payload, nil, nil) {}
    puts JSON.generate(payload)
  end
end
