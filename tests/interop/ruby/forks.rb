# frozen_string_literal: true

# A server of forks, as tests/support/forkserver.py has it for Python: programs of real Sidekiq that start in some
# milliseconds, since all that they require is there. ruby_forks.py speaks to it, by the socket that is its argument.
#
# Sidekiq::CLI is not there: a process in which it is defined is a server to Sidekiq, so a program loads its own.
# Nothing that is loaded here connects, starts a thread or looks at a variable.

Gem.activate_bin_path("sidekiq", "sidekiq", ">= 0.a") # as its executable does; a third of all that a start takes
%w[erb fileutils json openssl optparse securerandom singleton socket yaml].each { |name| require name }
%w[sidekiq sidekiq/api sidekiq/launcher sidekiq/scheduled].each { |name| require name }

# Fork and tell of ends until pytest's process is gone; in a fork, return what it is to be.
def serve(channel)
  loop do
    asked, _, _, *controls = channel.recvmsg(1 << 20, 0, nil, scm_rights: true)
    exit! if asked.nil? || asked.empty?

    words = JSON.parse(asked)
    files = controls.flat_map(&:unix_rights)
    answer = words.key?("ended") ? code(Process.wait2(words["ended"]).last) : fork
    if answer.nil?
      channel.close
      return words, files
    end
    files.each(&:close)
    channel.send(answer.to_s, 0)
  end
end

# How a process has ended, in Python's terms.
def code(status) = status.signaled? ? -status.termsig : status.exitstatus

# Make this fork what a fresh Ruby with these words and variables is.
def become(words, files)
  [$stdin, $stdout, $stderr].zip(files) do |own, file|
    own.reopen(IO.for_fd(file.fileno, own == $stdin ? "r" : "w", autoclose: false))
    file.close
  end
  $stderr.sync = true # as it was before
  ENV.replace(words["variables"])
  srand # else every fork draws the same numbers
  $0, *arguments = words["words"]
  ARGV.replace(arguments)
end

# The file of a program: a script by its path, any other as a shell finds it.
def found(program)
  return program if program.include?("/")

  ENV["PATH"].split(":").map { |folder| File.join(folder, program) }.find { |path| File.executable?(path) } ||
    raise("#{program} is not in #{ENV["PATH"]}")
end

become(*serve(BasicSocket.for_fd(Integer(ARGV.fetch(0)))))
load $0 = found($0)
