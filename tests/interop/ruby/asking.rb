# frozen_string_literal: true

# What a program finds when it starts, for test_ruby_forks.py; then the end that its first argument names.

require "json"

puts JSON.generate(
  "program" => $PROGRAM_NAME, "arguments" => ARGV, "variables" => ENV.values_at("MINE", "REDIS_URL", "LC_ALL", "PATH"),
  "folder" => Dir.pwd, "input" => $stdin.read, "encoding" => Encoding.default_external, "sync" => $stderr.sync,
  "server" => defined?(Sidekiq::CLI), "threads" => Thread.list.size, "open" => Dir.children("/proc/self/fd").size,
  "signals" => %w[INT TERM TSTP TTIN USR1 HUP].map { |name| trap(name, "DEFAULT") }
)
$stdout.flush
warn rand
how = ARGV.first
how.match?(/\A\d+\z/) ? exit(Integer(how)) : Process.kill(how, Process.pid)
sleep
