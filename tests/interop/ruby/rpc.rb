# frozen_string_literal: true

# Real Sidekiq's client and data API, for tests in another language. It reads one request a line from standard
# input, {"method": "queue_jobs", "args": ["default"]}, and answers each with one line on standard output:
# {"result": …} or {"error": "ArgumentError: …"}. It ends when its input does. ruby_side.py speaks to it.

require "rack/mock"
require "sidekiq/scheduled"
require "sidekiq/web"
require "sidekiq/metrics/query" if Sidekiq::VERSION >= "7"
require_relative "jobs"
require_relative "views"

# The requests: each public method is one.
class Requests
  SETS = {"schedule" => Sidekiq::ScheduledSet, "retry" => Sidekiq::RetrySet, "dead" => Sidekiq::DeadSet}.freeze

  def sidekiq_version = Sidekiq::VERSION

  def push(item) = Sidekiq::Client.push(item)

  def push_bulk(items) = Sidekiq::Client.push_bulk(items)

  def perform_async(klass, args) = Object.const_get(klass).perform_async(*args)

  def perform_in(klass, seconds, args) = Object.const_get(klass).perform_in(seconds, *args)

  def perform_at(klass, at, args) = Object.const_get(klass).perform_at(at, *args)

  def perform_bulk(klass, args) = Object.const_get(klass).perform_bulk(args)

  def stats = Views.stats

  def history(days) = Views.history(days)

  def queues = Sidekiq::Queue.all.map { |queue| Views.queue(queue) }

  def queue_jobs(name) = Sidekiq::Queue.new(name).map { |job| Views.job(job) }

  def queue_find(name, jid)
    job = Sidekiq::Queue.new(name).find_job(jid)
    job && Views.job(job)
  end

  def queue_delete(name, jid) = Sidekiq::Queue.new(name).find_job(jid)&.delete || false

  def queue_clear(name)
    Sidekiq::Queue.new(name).clear
    nil
  end

  def entries(set) = job_set(set).map { |entry| Views.entry(entry) }

  def scan(set, match) = job_set(set).scan(match).map { |entry| Views.entry(entry) }

  # verb: delete, reschedule (and the time), add_to_queue, retry, kill
  def change_entry(set, jid, verb, *args)
    entry = job_set(set).find_job(jid) || raise(KeyError, "no job #{jid} in #{set}")
    entry.public_send(verb, *args)
    nil
  end

  # Each entry of a set, to times that are a second apart.
  def reschedule_each(set, first)
    job_set(set).to_a.each_with_index { |entry, number| entry.reschedule(first + number) }
    nil
  end

  # What the poller of a Sidekiq process does at each turn. An entry that it fails at is lost by then.
  def enqueue_due
    poller = Sidekiq::Scheduled::Enq.new(*(Sidekiq.default_configuration if Sidekiq::VERSION >= "7"))
    begin
      poller.enqueue_jobs
    rescue ArgumentError, TypeError, NoMethodError, JSON::JSONError, EncodingError
      retry
    end
    nil
  end

  # verb: retry_all, kill_all, clear
  def change_set(set, verb)
    job_set(set).public_send(verb)
    nil
  end

  def processes = Sidekiq::ProcessSet.new.map { |process| Views.process(process) }

  # verb: quiet!, stop!
  def signal(identity, verb)
    process = Sidekiq::ProcessSet.new.find { |candidate| candidate.identity == identity }
    (process || raise(KeyError, "no process #{identity}")).public_send(verb)
    nil
  end

  # Sidekiq's Web UI: a page by its path, as a browser with a session gets it.
  def web_page(path)
    response = Rack::MockRequest.new(Sidekiq::Web).get(path, "rack.session" => {csrf: "x" * 32})
    {status: response.status, body: response.body}
  end

  def works = Sidekiq::Workers.new.map { |process_id, thread_id, work| Views.work(process_id, thread_id, work) }

  def cancel(jid)
    Sidekiq::Client.new.cancel!(jid)
    nil
  end

  # What a job class did within the last hour.
  def metrics(klass)
    result = Sidekiq::Metrics::Query.new.for_job(klass, minutes: 60)
    job = result.job_results[klass]
    {totals: job.totals, runs: job.hist.values.flatten.sum, top: Sidekiq::Metrics::Query.new.top_jobs.job_results.keys}
  end

  # The Web UI's pages and actions: "get /busy".
  def web_routes
    Sidekiq::Web::Application.route_cache.flat_map { |verb, routes| routes.map { |route| "#{verb} #{route.pattern}" } }
  end

  def encrypt(value, version, form) = Encryption.encrypt(value, version, form)

  def decrypt(text) = Encryption.decrypt(text)

  private

  def job_set(name) = SETS.fetch(name).new
end

# Answers go to the real standard output; whatever else prints, Sidekiq's log too, goes to standard error.
answers = $stdout.dup
answers.sync = true
$stdout.reopen($stderr)

requests = Requests.new
$stdin.each_line do |line|
  request = JSON.parse(line)
  answer =
    begin
      JSON.generate("result" => requests.public_send(request.fetch("method"), *request.fetch("args")))
    rescue => e
      JSON.generate("error" => "#{e.class}: #{e.message}")
    end
  answers.puts(answer)
end
