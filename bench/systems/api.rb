# frozen_string_literal: true

# Sidekiq's side of `bench api`; teep_api.py says how it is spoken to, and holds the same operations.
require "json"
require "sidekiq"
require "sidekiq/api"

# Sidekiq 6.4 beside redis-rb 4.8, as Debian has them, would print a warning at every command.
if defined?(Redis)
  Redis.silence_deprecations = true
  Redis.sadd_returns_boolean = false
end
Sidekiq.logger.level = Logger::WARN

class NoopJob
  include Sidekiq::Worker

  def perform(number, tenant)
  end
end

class Operations
  def find_in_queue(queue, jid) = -> { Sidekiq::Queue.new(queue).find_job(jid)&.jid }

  def find_in_retry_set(jid) = -> { Sidekiq::RetrySet.new.find_job(jid)&.jid }

  def retry_all
    lambda do
      Sidekiq::RetrySet.new.retry_all
      nil
    end
  end

  def kill_all
    lambda do
      Sidekiq::RetrySet.new.kill_all
      nil
    end
  end

  # Sidekiq has no verb for all of a scheduled set: this is what its users write. One `each` passes over every
  # second page, since the set shrinks meanwhile.
  def enqueue_all
    lambda do
      set = Sidekiq::ScheduledSet.new
      set.each(&:add_to_queue) while set.size > 0
      nil
    end
  end

  def iterate(queue, klass)
    lambda do
      count = 0
      jid = ""
      Sidekiq::Queue.new(queue).each do |job|
        jid = job.jid
        count += 1 if job.klass == klass
      end
      [count, jid]
    end
  end

  # The loop that Sidekiq's users write.
  def delete_by_class(queue, klass)
    lambda do
      deleted = 0
      Sidekiq::Queue.new(queue).each do |job|
        next unless job.klass == klass

        job.delete
        deleted += 1
      end
      deleted
    end
  end

  def stats_fast
    lambda do
      stats = Sidekiq::Stats.new
      [stats.processed, stats.failed, stats.scheduled_size, stats.retry_size, stats.dead_size, stats.processes_size]
    end
  end

  def stats_slow
    stats = Sidekiq::Stats.new
    -> { [stats.enqueued, stats.workers_size] }
  end

  def perform_async(count)
    lambda do
      count.times { |number| NoopJob.perform_async(number, "tenant-42") }
      nil
    end
  end

  def perform_bulk(count) = -> { NoopJob.perform_bulk(Array.new(count) { |number| [number, "tenant-42"] }).length }
end

operations = Operations.new
$stdout.sync = true
while (line = $stdin.gets)
  request = JSON.parse(line)
  calls = Array.new(request["repeat"]) { operations.public_send(request["operation"], *request["args"]) }
  puts "ready"
  $stdin.gets
  started = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  results = calls.map(&:call)
  seconds = Process.clock_gettime(Process::CLOCK_MONOTONIC) - started
  puts JSON.generate("seconds" => seconds / calls.length, "result" => results.last)
end
