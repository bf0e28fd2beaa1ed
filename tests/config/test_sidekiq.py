"""Sidekiq's own files, read as they are."""

import sys
from pathlib import Path
from typing import Any

import pytest

import teep
from teep import CapsuleConfig
from teep.config.sources.resolution import resolve
from teep.errors import ConfigurationError

from .conftest import Write

SAMPLES = Path(__file__).parent / "samples"


def said(name: str, environment: str | None = None) -> dict[str, Any]:
    """Return what a sample says otherwise than the defaults do."""
    made, usual = teep.Config.from_file(SAMPLES / name, environment), teep.Config()
    names = ("concurrency", "queues", "timeout", "capsules", "tag", "labels", "max_retries", "dead_timeout",
             "dead_max_jobs", "poll_interval_average", "average_scheduled_poll_interval")  # fmt: skip
    return {name: getattr(made, name) for name in names if getattr(made, name) != getattr(usual, name)}


def test_strings_as_keys_and_strict_queues() -> None:
    assert said("plain.yml") == {"concurrency": 5, "queues": ("critical", "default", "low")}
    assert teep.Config.from_file(SAMPLES / "plain.yml").queue_order.mode == "strict"


def test_symbols_as_keys_and_weighted_queues() -> None:
    assert said("rails.yml", "test") == {
        "max_retries": 7, "queues": ("default", "critical,4", "mailers,2", "low,1", "events,3", "web hooks"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ("staging", {"concurrency": 6}),
        ("development", {"concurrency": 2}),
        ("production", {"concurrency": 20, "timeout": 50, "queues": ("critical,4", "default,1")}),
    ],
)
def test_the_section_of_the_environment_goes_over_the_top_level(environment: str, expected: dict[str, Any]) -> None:
    assert said("rails.yml", environment) == said("rails.yml", "test") | expected


@pytest.mark.parametrize("variable", ["TEEP_ENVIRONMENT", "APP_ENV", "RAILS_ENV", "RACK_ENV"])
def test_the_environment_is_named_as_ruby_names_it(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "staging")
    made = teep.Config.from_file(SAMPLES / "rails.yml")
    assert (made.environment, made.concurrency) == ("staging", 6)


def test_capsules_and_the_other_keys() -> None:
    assert said("capsules.yml") == {
        "concurrency": 8,
        "tag": "billing",
        "labels": ("blue", "canary"),
        "dead_timeout": 86400,
        "dead_max_jobs": 500,
        "average_scheduled_poll_interval": 15,
        "queues": ("default", "slow"),
        "capsules": {
            "serial": CapsuleConfig(concurrency=1, queues=["ledger"]),
            "wide": CapsuleConfig(concurrency=8, queues=["reports,2", "exports,1"]),
        },
    }


def test_keys_of_ruby_and_of_gems_are_left_alone() -> None:
    settings = resolve({}, SAMPLES / "gems.yml", {"APP_ENV": "production"})
    config = settings.config(teep.Config)
    assert (config.concurrency, config.queues) == (12, ("default",))
    assert config.skip_default_job_logging
    assert settings.ignored == [
        "require", "strict", "logfile", "dynamic", "limits",
    ]  # fmt: skip
    assert dict(config.schedule) == {"cleanup": {"cron": "0 0 * * *", "class": "CleanupJob"}}


@pytest.mark.parametrize(("verbose", "level"), [("true", "DEBUG"), ("false", None)])
def test_verbose_is_a_log_level(verbose: str, level: str | None, write: Write) -> None:
    assert resolve({}, write(f":verbose: {verbose}", "sidekiq.yml"), {}).get("log_level", None) == level


def test_settings_of_teeps_own_are_taken_too(write: Write) -> None:
    settings = resolve({}, write(":modules: [app.jobs]\n:processes: 2\n", "sidekiq.yml"), {})
    assert (settings.get("modules", None), settings.config(teep.Config).processes) == (["app.jobs"], 2)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (":concurency: 5", "there is no setting 'concurency'; did you mean 'concurrency'? (sidekiq.yml: concurency)"),
        (":capsuls:\n  a: {queues: [b]}",
         "there is no setting 'capsuls'; did you mean 'capsules'? (sidekiq.yml: capsuls)"),
        ("development:\n  :timout: 5", "'timeout'? (sidekiq.yml: development.timout)"),
        (":capsules:\n  a: {concurency: 1, queues: [b]}",
         "there is no setting 'concurency'; did you mean 'concurrency'? (sidekiq.yml: capsules.a.concurency)"),
        (":concurrency: many", "concurrency must be a whole number from 1, not 'many' (sidekiq.yml: concurrency)"),
        (":queues: low", "queues must be a list of strings, such as ['default'], not 'low' (sidekiq.yml: queues)"),
        (":queues:\n  - [default, x]", "queues must be a list of strings, such as ['default'], not [['default', 'x'"),
        (":capsules:\n  a: 5", "the capsule 'a' must be a CapsuleConfig, not 5 (sidekiq.yml: capsules)"),
        ("- default", "sidekiq.yml must hold keys and values, such as concurrency: 10"),
        ("a: [1", "sidekiq.yml cannot be read: expected ',' or ']', but got '<stream end>' (line 1)"),
        ("a: 2026-13-40", "sidekiq.yml cannot be read: month must be in 1..12"),
        (":tag: !ruby/regexp /x/", "could not determine a constructor for the tag '!ruby/regexp' (line 1)"),
        ("\n:timeout: <%= 5 %>", "sidekiq.yml has Ruby code in line 2, which is not run here: <%= 5 %>;"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said(text: str, sentence: str, write: Write) -> None:
    with pytest.raises(ConfigurationError) as caught:
        teep.Config.from_file(write(text, "sidekiq.yml"))
    assert sentence in str(caught.value)


def test_no_object_of_pythons_is_ever_made(write: Write, tmp_path: Path) -> None:
    file = write(f":tag: !!python/object/apply:os.mkdir [{tmp_path / 'made'}]", "sidekiq.yml")
    with pytest.raises(ConfigurationError, match="could not determine a constructor"):
        teep.Config.from_file(file)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("code", "unset", "set_to_7"),
    [
        ('<%= ENV.fetch("X_THREADS", 10) %>', 10, 7),
        ("<%= ENV.fetch('X_THREADS', '10') %>", 10, 7),
        ('<%=ENV.fetch("X_THREADS",10).to_i-%>', 10, 7),
        ('<%= ENV.fetch("X_THREADS") { 10 } %>', 10, 7),
        ('<%= ENV.fetch("X_THREADS") { |name| 10 }.to_i %>', 10, 7),
        ('<%= ENV.fetch "X_THREADS", 10 %>', 10, 7),
        ('<%= ENV["X_THREADS"] || 10 %>', 10, 7),
        ("<%= (ENV['X_THREADS'] || ENV['X_NONE'] || 1_0).to_i %>", 10, 7),
        ('<%= ENV["X_THREADS"]&.to_i || 10 %>', 10, 7),
        ('<%= ENV["X_THREADS"].presence || 10 %>', 10, 7),
        ('<%= Integer(ENV.fetch("X_THREADS", ENV.fetch("X_NONE", 10))) %>', 10, 7),
        ('"<%= ENV["X_THREADS"] || 10 %>"', 10, 7),
        ('\'<%= ENV.fetch("X_THREADS", "10") %>\'', 10, 7),
        ('1<%= ENV["X_THREADS"].to_i %>', 10, 17),
    ],
)
def test_a_template_may_read_variables(
    code: str, unset: int, set_to_7: int, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(f":concurrency: {code}\n<%# a comment of Ruby's %>\n# and YAML's: <%= puts %>\n", "sidekiq.yml.erb")
    assert teep.Config.from_file(file).concurrency == unset
    monkeypatch.setenv("X_THREADS", "7")
    assert teep.Config.from_file(file).concurrency == set_to_7


@pytest.mark.parametrize(
    "code",
    [
        "<% if true %>", "<%% %>", "<%= 5 %>", '<%= "5" %>', "<%= `id` %>", '<%= system("id") %>',
        '<%= ENV["A"] + 1 %>', '<%= ENV.fetch("A#{1}") %>', '<%= ENV.delete("A") %>', "<%= ENV %>",
        '<%= ENV.fetch("A", 1).send(:exit) %>', '<%= ENV["A"] ? 1 : 2 %>', "<%= ENV.fetch %>", '<%= ENV["A" %>',
        '<%= ENV["A"] || %>', '<%= Rails.root.join(ENV["A"]) %>', '<%= ENV["A"]; 5 %>', '<%= ENV["A"] 5 %>',
    ],
)  # fmt: skip
def test_any_other_ruby_is_refused(code: str, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A", "3")
    with pytest.raises(ConfigurationError, match=r"sidekiq.yml.erb has Ruby code in line 2, which is not run here"):
        teep.Config.from_file(write(f"---\n:timeout: {code}", "sidekiq.yml.erb"))


def test_a_variable_without_a_default_must_be_set(write: Write) -> None:
    with pytest.raises(ConfigurationError, match=r"reads the variable X_NONE in line 1, which is not set"):
        teep.Config.from_file(write(':timeout: <%= ENV.fetch("X_NONE") %>', "sidekiq.yml"))


def test_what_gems_and_old_versions_keep_there_is_no_typo(write: Write) -> None:
    text = ":loglevel: info\n:index: 0\nproduction:\n  :loglevel: debug\n  :schedule: {a: {cron: '* * * * *'}}\n"
    settings = resolve({}, write(text, "sidekiq.yml"), {"APP_ENV": "production"})
    assert dict(settings.config(teep.Config).schedule) == {"a": {"cron": "* * * * *", "class": "a"}}
    assert settings.ignored == ["loglevel", "index", "production.loglevel"]


def test_a_queue_in_brackets_needs_no_weight(write: Write) -> None:
    config = teep.Config.from_file(write(":queues:\n  - [critical]\n  - [low, 2]\n  - default\n", "sidekiq.yml"))
    assert config.queues == ("critical", "low,2", "default")


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n"])
def test_an_empty_file_says_nothing(text: str, write: Write) -> None:
    assert teep.Config.from_file(write(text, "sidekiq.yml")).concurrency == 10


def test_without_pyyaml_a_sentence_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(ConfigurationError, match=r"plain.yml is YAML: to read it, pip install 'teep\[yaml\]'"):
        teep.Config.from_file(SAMPLES / "plain.yml")
