# The jobs of work.py for Ruby.
Warning[:experimental] = false # IO::Buffer, Ruby's own memory map, warns on its first use
Sidekiq.logger.level = Logger.const_get(ENV.fetch("BENCH_LOG_LEVEL", "WARN"))
# Sidekiq 6.4 beside redis-rb 4.8, as Debian has them, would print a warning for every job it fetches.
Redis.silence_deprecations = true

MARKS = IO::Buffer.map(File.open(ENV.fetch("BENCH_MARKS"), "r+"))

class Noop
  include Sidekiq::Worker

  def perform(number)
    MARKS.set_value(:U8, number, MARKS.get_value(:U8, number) + 1)
  end
end

class Nap
  include Sidekiq::Worker

  def perform(number, milliseconds)
    MARKS.set_value(:U8, number, MARKS.get_value(:U8, number) + 1)
    sleep(milliseconds / 1000.0)
  end
end

class Stamp
  include Sidekiq::Worker

  def perform(number)
    MARKS.set_value(:u64, number * 8, Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond))
  end
end
