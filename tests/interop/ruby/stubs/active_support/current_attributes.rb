# frozen_string_literal: true

# What Sidekiq's middleware needs of Rails, which is not installed: a class that has attributes.
class Current
  class << self
    attr_accessor :attributes

    def set(values)
      before, self.attributes = attributes, values
      yield
    ensure
      self.attributes = before
    end
  end

  self.attributes = {}
end
