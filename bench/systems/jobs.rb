# The no-op job for Ruby: it marks its number, as bench/marks.py describes.
Warning[:experimental] = false # IO::Buffer, Ruby's own memory map, warns on its first use
Sidekiq.logger.level = Logger::WARN
# Sidekiq 6.4 beside redis-rb 4.8, as Debian has them, would print a warning for every job it fetches.
Redis.silence_deprecations = true

MARKS = IO::Buffer.map(File.open(ENV.fetch("BENCH_MARKS"), "r+"))

class NoopJob
  include Sidekiq::Worker

  def perform(number)
    MARKS.set_value(:U8, number, MARKS.get_value(:U8, number) + 1)
  end
end
