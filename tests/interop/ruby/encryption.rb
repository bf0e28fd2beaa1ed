# frozen_string_literal: true

# Encrypted arguments as a Ruby fleet has them, for tests: the last argument of a job with `encrypt: true` is a struct
# Sidekiq::Enc in Ruby's Marshal format. The key of version n is the byte n, 32 times.

require "base64"
require "json"
require "openssl"
require "sidekiq"

module Sidekiq
  Enc = Struct.new(:c, :tag, :iv, :v, :blob)
end

module Encryption
  CIPHER = "aes-256-gcm"

  # form: "marshal", or "json" of a list with the value as its only item.
  def self.encrypt(value, version, form)
    cipher = OpenSSL::Cipher.new(CIPHER).encrypt
    cipher.key = version.chr * 32
    iv = cipher.random_iv
    cipher.auth_data = ""
    plain = form == "json" ? JSON.generate([value]) : Marshal.dump(value)
    blob = cipher.update(plain) + cipher.final
    Base64.urlsafe_encode64(Marshal.dump(Sidekiq::Enc.new(CIPHER, cipher.auth_tag, iv, version, blob)))
  end

  def self.decrypt(text)
    raw = Base64.urlsafe_decode64(text)
    enc = Marshal.load(raw)
    raise "Ruby would write other bytes" unless Marshal.dump(enc) == raw

    cipher = OpenSSL::Cipher.new(enc.c).decrypt
    cipher.key = enc.v.chr * 32
    cipher.iv = enc.iv
    cipher.auth_tag = enc.tag
    cipher.auth_data = ""
    Marshal.load(cipher.update(enc.blob) + cipher.final)
  end

  class Client
    def call(_class, job, _queue, _pool)
      args = job["args"]
      # A retry comes through here too, with the envelope it has.
      args[-1] = Encryption.encrypt(args[-1], 1, "marshal") if job["encrypt"] && !args[-1].to_s.start_with?("BAhT")
      yield
    end
  end

  class Server
    def call(_job, item, _queue)
      item["args"][-1] = Encryption.decrypt(item["args"][-1]) if item["encrypt"]
      yield
    end
  end
end

Sidekiq.configure_client { |config| config.client_middleware { |chain| chain.add(Encryption::Client) } }
Sidekiq.configure_server do |config|
  config.client_middleware { |chain| chain.add(Encryption::Client) }
  config.server_middleware { |chain| chain.add(Encryption::Server) }
end
