# frozen_string_literal: true

# What Sidekiq's data API shows, as plain hashes. Their fields are the structs of ruby_side.py.

require "sidekiq/api"

module Views
  module_function

  def stats
    stats = Sidekiq::Stats.new
    fields = %i[processed failed scheduled_size retry_size dead_size enqueued processes_size workers_size
      default_queue_latency queues]
    fields.to_h { |field| [field, stats.public_send(field)] }
  end

  def history(days)
    history = Sidekiq::Stats::History.new(days)
    {processed: history.processed, failed: history.failed}
  end

  def queue(queue)
    {name: queue.name, size: queue.size, latency: queue.latency}
  end

  # `value` in base64: the exact bytes, also of a payload that is not JSON.
  def job(job)
    {
      value: [job.value].pack("m0"), item: job.item, queue: job.queue, jid: job.jid, tags: job.tags,
      klass: job.klass, args: job.args, display_class: job.display_class, display_args: job.display_args,
      created_at: job.created_at.to_f, enqueued_at: job.enqueued_at&.to_f, latency: job.latency,
      error_class: job["error_class"], error_message: job["error_message"],
      error_backtrace: job.error_backtrace, retry_count: job["retry_count"]
    }
  end

  def entry(entry)
    job(entry).merge(score: entry.score, at: entry.at.to_f)
  end

  def process(process)
    fields = %w[identity hostname pid tag labels queues concurrency busy beat started_at rss rtt_us]
    fields.to_h { |field| [field, process[field]] }.merge(stopping: process.stopping?)
  end

  def work(process_id, thread_id, work)
    # From Sidekiq 7.2 on an object, before it a hash.
    return work.merge(process_id: process_id, thread_id: thread_id) if work.is_a?(Hash)

    {process_id: process_id, thread_id: thread_id, queue: work.queue, run_at: work.run_at.to_f,
     payload: JSON.parse(work.payload)}
  end
end
