"""Reads the ERB templates in a `sidekiq.yml`, if they only read environment variables.

`ENV.fetch("X", 10)`, `ENV["X"] || 10`, a block for the default, `.to_i` and the like are read as data: a small
grammar of values, in which nothing can be run. Any other Ruby is refused.
"""

import re
from collections.abc import Callable, Mapping

from teep.errors import ConfigurationError

# A value of the template, read when it is needed: a variable in an alternative that is not taken may be missing.
_Value = Callable[[], str | None]

_TAG = re.compile(r"<%(?P<kind>[=#%]?)-?(?P<code>.*?)-?%>", re.DOTALL)
_COMMENT_LINE = re.compile(r"^[ \t]*#.*$", re.MULTILINE)
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>"(?:[^"\\#]|\#(?!\{))*"|'[^'\\]*')
      | (?P<number>-?\d[\d_]*(?:\.\d+)?)
      | (?P<other>[A-Za-z_]\w*|\|\||&\.|[\[\](){},.|])
    )""",
    re.VERBOSE,
)
_LITERALS = {"nil": None, "true": "true", "false": "false"}
_CASTS = ("Integer", "Float", "String")


class _Refused(ValueError):
    """Ruby that does more than read a variable."""


def render(text: str, environ: Mapping[str, str], file: object) -> str:
    """Return a template's text with the values of its variables; YAML's comments stay as they are.

    Raises:
        ConfigurationError: there is other Ruby in it, or a variable without a default is not set.
    """
    comments = [match.span() for match in _COMMENT_LINE.finditer(text)]

    def rendered(tag: re.Match[str]) -> str:
        if any(start <= tag.start() < end for start, end in comments):
            return tag[0]
        line = text.count("\n", 0, tag.start()) + 1
        try:
            return _rendered(tag, environ)
        except _Refused:
            raise ConfigurationError(
                f"{file} has Ruby code in line {line}, which is not run here: {' '.join(tag[0].split())};"
                ' write the value itself, or read a variable, as in <%= ENV.fetch("NAME", 10) %>'
            ) from None
        except KeyError as error:
            raise ConfigurationError(
                f"{file} reads the variable {error.args[0]} in line {line}, which is not set and has no default there"
            ) from None

    return _TAG.sub(rendered, text)


def _rendered(tag: re.Match[str], environ: Mapping[str, str]) -> str:
    match tag["kind"]:
        case "#":
            return ""
        case "=":
            return _Reader(tag["code"], environ).read() or ""
        case _:
            raise _Refused


class _Reader:
    """Reads one expression: values joined by `||`, each perhaps with conversions behind it."""

    def __init__(self, code: str, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._tokens = _tokens(code)
        if "ENV" not in self._tokens:
            raise _Refused

    def read(self) -> str | None:
        value = self._expression()
        if self._tokens:
            raise _Refused
        return value()

    def _expression(self) -> _Value:
        value = self._converted()
        while self._takes("||"):
            value = _either(value, self._converted())
        return value

    def _converted(self) -> _Value:
        value = self._plain()
        while (safe := self._takes("&.")) or self._takes("."):
            converted = _conversion(self._next(), value)
            value = _unless_nil(value, converted) if safe else converted
        return value

    def _plain(self) -> _Value:
        word = self._next()
        if word == "(":
            return self._closed(")")
        if word in _CASTS:
            self._needs("(")
            return _conversion(word, self._closed(")"))
        if word == "ENV":
            return self._variable()
        literal = _LITERALS[word] if word in _LITERALS else _literal(word)
        return lambda: literal

    def _variable(self) -> _Value:
        if self._takes("["):
            name = _literal(self._next())
            self._needs("]")
            return lambda: self._environ.get(name)
        self._needs(".")
        self._needs("fetch")
        in_brackets = self._takes("(")
        name = _literal(self._next())
        otherwise = self._expression() if self._takes(",") else None
        if in_brackets:
            self._needs(")")
        if self._takes("{"):
            otherwise = self._block()
        return lambda: self._environ[name] if otherwise is None or name in self._environ else otherwise()

    def _block(self) -> _Value:
        if self._takes("|"):
            self._next()
            self._needs("|")
        return self._closed("}")

    def _closed(self, end: str) -> _Value:
        value = self._expression()
        self._needs(end)
        return value

    def _next(self) -> str:
        if not self._tokens:
            raise _Refused
        return self._tokens.pop(0)

    def _takes(self, token: str) -> bool:
        if self._tokens[:1] != [token]:
            return False
        del self._tokens[0]
        return True

    def _needs(self, token: str) -> None:
        if not self._takes(token):
            raise _Refused


def _tokens(code: str) -> list[str]:
    tokens, position, end = [], 0, len(code.rstrip())
    while position < end:
        token = _TOKEN.match(code, position, end)
        if token is None:
            raise _Refused
        tokens.append(token[0].strip())
        position = token.end()
    return tokens


def _literal(token: str) -> str:
    if token[0] in "'\"":
        return token[1:-1]
    if token[0] in "-0123456789":
        return token.replace("_", "")
    raise _Refused


def _either(value: _Value, otherwise: _Value) -> _Value:
    def first() -> str | None:
        found = value()
        return otherwise() if found is None or found == "false" else found

    return first


def _unless_nil(value: _Value, converted: _Value) -> _Value:
    return lambda: None if value() is None else converted()


def _conversion(name: str, value: _Value) -> _Value:
    """Return the result of a Ruby method such as `to_i` on a value."""
    match name:
        case "to_i" | "Integer":
            return lambda: _number(r"[+-]?\d+", value()) or "0"
        case "to_f" | "Float":
            return lambda: _number(r"[+-]?\d+(?:\.\d+)?", value()) or "0.0"
        case "to_s" | "String":
            return lambda: value() or ""
        case "presence":
            return lambda: value() if (value() or "").strip() else None
        case "strip":
            return lambda: value() and str(value()).strip()
        case _:
            raise _Refused


def _number(pattern: str, value: str | None) -> str | None:
    number = re.match(rf"\s*({pattern})", (value or "").replace("_", ""))
    return number[1] if number else None
