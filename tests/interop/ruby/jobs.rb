# frozen_string_literal: true

# The job classes of the interop tests. A process of real Sidekiq runs them (`sidekiq -r jobs.rb`), and
# rpc.rb pushes them. The keys that they write are read by ruby_side.py.

require "json"
require "sidekiq"
require_relative "encryption"

# Sidekiq 6.4.1 uses the redis gem in ways that the gem warns of at each call; that would drown its log.
if defined?(Redis)
  Redis.silence_deprecations = true
  Redis.sadd_returns_boolean = false
end

RAN = "interop:ran"         # list: {"class", "jid", "args"} of each job that came to its end, oldest first
STARTED = "interop:started" # list: the jid of each SlowJob that has begun, oldest first

def record_run(job, args)
  Sidekiq.redis { |conn| conn.rpush(RAN, JSON.generate("class" => job.class.name, "jid" => job.jid, "args" => args)) }
end

# The client of Sidekiq 7 and later has its own way to wait.
def await_release(conn, key)
  conn.respond_to?(:blocking_call) ? conn.blocking_call(false, "BLPOP", key, 0) : conn.blpop(key, timeout: 0)
end

class EchoJob
  include Sidekiq::Job

  def perform(*args)
    record_run(self, args)
  end
end

class LowEchoJob
  include Sidekiq::Job
  sidekiq_options queue: "low", retry: 3, tags: ["interop"]

  def perform(*args)
    record_run(self, args)
  end
end

class SecretEchoJob
  include Sidekiq::Job
  sidekiq_options encrypt: true

  def perform(name, secret)
    record_run(self, [name, secret])
  end
end

# Fails always; its third failure is its death.
class FailJob
  include Sidekiq::Job
  sidekiq_options retry: 2, backtrace: true

  def perform(message = "boom")
    raise ArgumentError, message
  end
end

# Dies at its first failure.
class FragileJob
  include Sidekiq::Job
  sidekiq_options retry: 0

  def perform(message = "boom")
    raise ArgumentError, message
  end
end

# Fails the first time that its jid runs, and succeeds from then on.
class FlakyJob
  include Sidekiq::Job
  sidekiq_options backtrace: 3

  def perform(*args)
    runs = Sidekiq.redis { |conn| conn.incr("interop:flaky:#{jid}") }
    raise "fails the first time" if runs == 1

    record_run(self, args)
  end
end

# Says that it has begun, then runs until something is pushed to the list "interop:release:<jid>".
class SlowJob
  include Sidekiq::Job

  def perform(*args)
    Sidekiq.redis do |conn|
      conn.rpush(STARTED, jid)
      await_release(conn, "interop:release:#{jid}")
    end
    record_run(self, args)
  end
end

# Goes through the numbers below its argument, and notes each in "interop:walked:<jid>". At the number 3 the first run
# says that it has begun, and waits as SlowJob does.
if defined?(Sidekiq::IterableJob)
  class WalkJob
    include Sidekiq::IterableJob

    def build_enumerator(count, cursor:)
      @count = count
      array_enumerator((0...count).to_a, cursor: cursor)
    end

    def each_iteration(number, _count)
      Sidekiq.redis do |conn|
        conn.rpush("interop:walked:#{jid}", number)
        if number == 3 && conn.incr("interop:held:#{jid}") == 1
          conn.rpush(STARTED, jid)
          await_release(conn, "interop:release:#{jid}")
        end
      end
    end

    def on_complete = record_run(self, [@count])
  end
end

require_relative "kinds"

# Only the pace is changed here, so that tests need not wait: Sidekiq polls for due jobs after up to 15 seconds,
# tells Redis what it does every 5 or 10 seconds, and saves an iterable job's place every 5.
Sidekiq.configure_server do |config|
  settings = config.respond_to?(:options) ? config.options : config
  settings[:poll_interval_average] = Float(ENV.fetch("POLL_SECONDS", "0.1"))
  Sidekiq::Scheduled::Poller.class_eval { private def initial_wait = nil }

  Sidekiq::Launcher.send(:remove_const, :BEAT_PAUSE)
  Sidekiq::Launcher.const_set(:BEAT_PAUSE, 0.2)
  if defined?(Sidekiq::IterableJob)
    Sidekiq::Job::Iterable.send(:remove_const, :STATE_FLUSH_INTERVAL)
    Sidekiq::Job::Iterable.const_set(:STATE_FLUSH_INTERVAL, 0)
  end
end
