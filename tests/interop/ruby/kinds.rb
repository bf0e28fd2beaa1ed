# frozen_string_literal: true

# The job classes of the comparison, the counterparts of `kinds.py`: equal names, equal options, equal failures. What a
# run does stands in its first argument, see `kinds.py`.

module Kinds
  ERRORS = [RuntimeError, IndexError, ZeroDivisionError, EOFError, NotImplementedError, SystemExit]
    .to_h { |error| [error.name, error] }.freeze

  def self.note(key, value)
    Sidekiq.redis { |conn| conn.rpush("kinds:#{key}", value) }
  end

  # What `retry_in` and the end of the retries answer.
  def self.answer(kind)
    raise "no answer" if kind == "raise"

    %w[discard kill].include?(kind) ? kind.to_sym : kind
  end

  # Sidekiq 6 does not say for which job, but asks in the thread that has run it.
  def self.delay(job)
    answer((job ? job["args"][0] : Thread.current[:kinds_order])["in"])
  end

  def self.exhausted(job)
    note("exhausted", JSON.generate(job))
    answer(job["args"][0]["end"])
  end

  def perform(order = nil, *_rest)
    order = {} unless order.is_a?(Hash)
    Thread.current[:kinds_order] = order
    runs = Sidekiq.redis { |conn| conn.hincrby("kinds:runs", order["n"].to_s, 1) }
    return if order["do"] == "pass" || runs > order.fetch("failures", 100)

    error = ERRORS.fetch(order["error"], RuntimeError)
    raise error.new(order.fetch("message", "no order")) unless error == SystemExit

    raise SystemExit.new(1, order.fetch("message", "no order"))
  end

  def self.define(name, **options, &block)
    kind = Class.new do
      include Sidekiq::Job
      include Kinds
      sidekiq_options(**options)
    end
    Object.const_set(name, kind)
    kind.class_eval(&block) if block
  end
end

Kinds.define("KindPlain")
Kinds.define("KindNever", retry: false)
Kinds.define("KindZero", retry: 0)
Kinds.define("KindTwo", retry: 2)
Kinds.define("KindOptions", retry: 3, queue: "low", tags: ["x"], dead: false, retry_queue: "never")
Kinds.define("KindDelays") do
  sidekiq_retry_in { |_count, _error, job = nil| Kinds.delay(job) }
end
Kinds.define("KindEnds", retry: 1) do
  sidekiq_retries_exhausted { |job, _error| Kinds.exhausted(job) }
end
Kinds.define("KindBoth", retry: 1) do
  sidekiq_retry_in { |_count, _error, job = nil| Kinds.delay(job) }
  sidekiq_retries_exhausted { |job, _error| Kinds.exhausted(job) }
end

# The last job of a round: it comes after all others.
class KindLast
  include Sidekiq::Job

  def perform(round) = Kinds.note("rounds", round.to_s)
end

Sidekiq.configure_server do |config|
  config.death_handlers << ->(job, _error) { Kinds.note("deaths", JSON.generate(job)) if job["args"].to_s.include?('"n"') }
end
