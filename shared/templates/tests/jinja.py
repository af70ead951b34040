"""Renders the templates of tests/corpus with Jinja2 and writes tests/expected.json.

Started by `cargo xtask templates`, with the version of Jinja2 that it installs. The filters, tests and functions that Home Assistant
adds are stated again here after its documentation, as far as templates of devices use them.
"""
import base64
import json
import math
import platform
import re
import statistics
import sys
from pathlib import Path

import jinja2
import jinja2.sandbox

HERE = Path(__file__).parent
NOTHING = object()


class NeedsHomeAssistant(Exception):
    """What only a running Home Assistant knows."""


def or_default(default):
    if default is NOTHING:
        raise ValueError("no default was specified")
    return default


def to_float(value, default=NOTHING):
    try:
        return float(value)
    except (ValueError, TypeError):
        return or_default(default)


def to_int(value, default=NOTHING, base=10):
    result = jinja2.filters.do_int(value, default=NOTHING, base=base)
    return or_default(default) if result is NOTHING else result


def to_bool(value, default=NOTHING):
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        word = value.lower().strip()
        if word in ("1", "true", "yes", "on", "enable"):
            return True
        if word in ("0", "false", "no", "off", "disable"):
            return False
    elif isinstance(value, (int, float)):
        return value != 0
    return or_default(default)


def is_number(value):
    try:
        return math.isfinite(float(value))
    except (ValueError, TypeError):
        return False


def rounded(value, precision=0, method="common", default=NOTHING):
    try:
        multiplier = float(10**precision)
        if method == "ceil":
            value = math.ceil(float(value) * multiplier) / multiplier
        elif method == "floor":
            value = math.floor(float(value) * multiplier) / multiplier
        elif method == "half":
            value = round(float(value) * 2) / 2
        else:
            value = round(float(value), precision)
        return int(value) if precision == 0 else value
    except (ValueError, TypeError):
        return or_default(default)


def arithmetic(operation):
    def calculate(value, amount, default=NOTHING):
        try:
            return operation(float(value), amount)
        except (ValueError, TypeError):
            return or_default(default)

    return calculate


def function(of):
    def calculate(value, default=NOTHING):
        try:
            return of(float(value))
        except (ValueError, TypeError):
            return or_default(default)

    return calculate


def log(value, base=math.e, default=NOTHING):
    try:
        return math.log(float(value), float(base))
    except (ValueError, TypeError):
        return or_default(default)


def statistic(of):
    def calculate(*args, default=NOTHING):
        values = args
        if isinstance(args[0], (list, tuple)):
            values = args[0]
            if len(args) > 1 and default is NOTHING:
                default = args[1]
        try:
            return of(values)
        except (TypeError, statistics.StatisticsError):
            return or_default(default)

    return calculate


def iif(value, if_true=True, if_false=False, if_none=NOTHING):
    if value is None and if_none is not NOTHING:
        return if_none
    return if_true if bool(value) else if_false


def is_defined(value):
    if isinstance(value, jinja2.Undefined):
        value()
    return value


def combine(*parts, recursive=False):
    result = {}
    for part in parts:
        for key, value in part.items():
            if recursive and isinstance(result.get(key), dict) and isinstance(value, dict):
                result[key] = combine(result[key], value, recursive=True)
            else:
                result[key] = value
    return result


def flatten(value, levels=None):
    if isinstance(value, str):
        raise TypeError("flatten expected a list, got str")
    flat = []
    for item in value:
        if isinstance(item, (list, tuple)) and (levels is None or levels >= 1):
            flat.extend(flatten(item, None if levels is None else levels - 1))
        else:
            flat.append(item)
    return flat


def regex(of, find_at=0):
    def apply(value, *args, **kwargs):
        return of(str(value), *args, **kwargs)

    return apply


def flags(ignorecase):
    return re.IGNORECASE if ignorecase else 0


def regex_match(value, find="", ignorecase=False):
    return bool(re.match(find, str(value), flags(ignorecase)))


def regex_search(value, find="", ignorecase=False):
    return bool(re.search(find, str(value), flags(ignorecase)))


def regex_replace(value="", find="", replace="", ignorecase=False):
    return re.sub(find, replace, str(value), flags=flags(ignorecase))


def regex_findall(value, find="", ignorecase=False):
    return re.findall(find, str(value), flags(ignorecase))


def regex_findall_index(value, find="", index=0, ignorecase=False):
    return regex_findall(value, find, ignorecase)[index]


def orjson_float(text):
    # Home Assistant writes with orjson, whose exponents are shorter: 1e16, 1e-7.
    return re.sub(r'(?<=[0-9])e([+-])0?(?=[0-9])', lambda m: "e" + m[1].replace("+", ""), text)


def keyed(value):
    if isinstance(value, dict):
        def key(of):
            return of if isinstance(of, str) else json.dumps(of)
        return {key(k): keyed(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [keyed(item) for item in value]
    return value


def to_json(value, ensure_ascii=False, pretty_print=False, sort_keys=False):
    separators = None if ensure_ascii or pretty_print else (",", ":")
    indent = 2 if pretty_print else None
    text = json.dumps(keyed(value), ensure_ascii=ensure_ascii, indent=indent, sort_keys=sort_keys, separators=separators)
    return text if ensure_ascii else orjson_float(text)


def from_json(value, default=NOTHING):
    try:
        return json.loads(value)
    except (ValueError, TypeError):
        return or_default(default)


def ordinal(value):
    text = str(value)
    number = int(text)
    suffix = "th" if abs(number) % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(abs(number) % 10, "th")
    return text + suffix


def slugify(value, separator="_"):
    if value == "":
        return ""
    slug = re.sub(r"[\W_]+", separator, str(value).lower()).strip(separator)
    return slug or "unknown"


def extreme(name):
    def apply(*args, **kwargs):
        values = args[0] if len(args) == 1 else args
        return ENVIRONMENT.filters[name](ENVIRONMENT, values, **kwargs)

    return apply


class Dict(dict):
    """`dict`, and `dict.from_keys(pairs)` as zigbee2mqtt uses it."""

    from_keys = staticmethod(lambda pairs: dict(pairs))


def make_dict(*args, **kwargs):
    return dict(*args, **kwargs)


make_dict.from_keys = lambda pairs: dict(pairs)


def needs(name):
    def refuse(*_args, **_kwargs):
        raise NeedsHomeAssistant(name)

    return refuse


def remap(value, in_low, in_high, out_low, out_high):
    return out_low + (float(value) - in_low) / (in_high - in_low) * (out_high - out_low)


BOTH = {
    "float": to_float, "int": to_int, "bool": to_bool, "is_number": is_number, "iif": iif, "combine": combine,
    "flatten": flatten, "typeof": lambda value: value.__class__.__name__, "average": statistic(statistics.fmean),
    "median": statistic(statistics.median), "statistical_mode": statistic(statistics.mode), "log": log,
    "sin": function(math.sin), "cos": function(math.cos), "tan": function(math.tan), "sqrt": function(math.sqrt),
    "bitwise_and": lambda a, b: a & b, "bitwise_or": lambda a, b: a | b, "bitwise_xor": lambda a, b: a ^ b,
    "clamp": lambda value, low, high: max(float(low), min(float(high), float(value))),
    "wrap": lambda value, low, high: float((float(value) - low) % (high - low) + low), "remap": remap, "slugify": slugify,
    "intersect": lambda a, b: list(set(a) & set(b)), "union": lambda a, b: list(set(a) | set(b)),
    "difference": lambda a, b: list(set(a) - set(b)), "symmetric_difference": lambda a, b: list(set(a) ^ set(b)),
}
FILTERS = {
    "round": rounded, "multiply": arithmetic(lambda a, b: a * b), "add": arithmetic(lambda a, b: a + b),
    "is_defined": is_defined, "contains": lambda value, item: item in value, "ord": ord, "ordinal": ordinal,
    "regex_match": regex_match, "regex_search": regex_search, "regex_replace": regex_replace,
    "regex_findall": regex_findall, "regex_findall_index": regex_findall_index, "to_json": to_json,
    "from_json": from_json, "base64_encode": lambda value: base64.b64encode(value.encode()).decode(),
    "base64_decode": lambda value: base64.b64decode(value).decode(), "timestamp_custom": needs("timestamp_custom"),
    "timestamp_local": needs("timestamp_local"), "random": needs("random"),
}
GLOBALS = {
    "min": extreme("min"), "max": extreme("max"), "zip": zip, "dict": make_dict, "pi": math.pi, "e": math.e, "tau": math.tau,
    "atan2": lambda y, x: math.atan2(float(y), float(x)), "set": set, "tuple": tuple,
    **{name: needs(name) for name in ("now", "states", "is_state", "as_timestamp", "as_datetime")},
}
TESTS = {
    "match": regex_match, "search": regex_search, "contains": lambda value, item: item in value, "is_number": is_number,
    "list": lambda value: isinstance(value, list), "tuple": lambda value: isinstance(value, tuple),
    "string_like": lambda value: isinstance(value, (str, bytes)),
}

ENVIRONMENT = jinja2.sandbox.ImmutableSandboxedEnvironment(extensions=["jinja2.ext.loopcontrols", "jinja2.ext.do"])
ENVIRONMENT.filters.update({**BOTH, **FILTERS})
ENVIRONMENT.globals.update({**BOTH, **GLOBALS})
ENVIRONMENT.tests.update(TESTS)


def variables(given):
    if given.startswith(">> "):
        return json.loads(given[3:])
    payload = given[2:]
    named = {"value": payload}
    try:
        named["value_json"] = json.loads(payload)
    except ValueError:
        pass
    return named


def render(template, given):
    """The text, or the name of the error."""
    try:
        text = ENVIRONMENT.from_string(template).render(variables(given)).strip()
    except Exception as error:  # noqa: BLE001: whatever goes wrong is what is recorded
        return {"error": type(error).__name__}
    if re.search(r"<(generator|built-in|bound|function|class) |at 0x", text):
        return {"error": "an address"}
    return text


def group(path):
    inputs, templates, fresh = [], [], False
    for line in path.read_text().splitlines():
        if not line or line.startswith("# "):
            continue
        if line.startswith(("> ", ">> ")) or line == ">":
            if fresh:
                inputs, fresh = [], False
            inputs.append(line if line != ">" else "> ")
            continue
        fresh = True
        template = line.replace("⏎", "\n")
        templates.append({"template": template, "results": [[given, render(template, given)] for given in inputs]})
    return templates


def main():
    table = {
        "written_by": "cargo xtask templates",
        "jinja2": jinja2.__version__,
        "python": platform.python_version(),
        "groups": {path.stem: group(path) for path in sorted((HERE / "corpus").glob("*.txt"))},
    }
    # Not nearer than a line per template, so that a change is seen.
    lines = [json.dumps(table[key], ensure_ascii=False) for key in ("written_by", "jinja2", "python")]
    out = ['{"written_by": %s, "jinja2": %s, "python": %s, "groups": {' % tuple(lines)]
    groups = []
    for name, templates in table["groups"].items():
        rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in templates)
        groups.append(f'{json.dumps(name)}: [\n{rows}\n]')
    out.append(",\n".join(groups))
    out.append("}}")
    Path(sys.argv[1]).write_text("\n".join(out) + "\n")


main()
