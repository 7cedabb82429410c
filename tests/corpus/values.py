"""What no field was made for: JSON texts, whole bodies, texts of forms, parameters, headers.

Every list is fixed and in a fixed order: `share` gives a field of the short form its part of one.
"""

import os
from collections.abc import Sequence
from typing import Final, TypeVar

One = TypeVar("One")

#: `make corpus` tries far more everywhere; the suite gives each field a part.
LONG: Final = os.environ.get("CORPUS") == "long"

LONGER: Final = 12

#: Texts that any field may hold, and no page, file, log or query may take for something else.
TEXTS: Final = (
    "",
    " ",
    "\t\r\n",
    "0",
    "-1",
    "1_0",
    "\u0663",
    "1.5",
    "1e5",
    "-5.00",
    "NaN",
    "Infinity",
    "null",
    "true",
    str(2**53 + 1),
    str(10**15 + 1),
    str(2**63 - 1),
    str(2**63),
    "9" * 400,
    "9" * 4_301,
    "a\x00b",
    "\r\nX-Injected: 1",
    "\ufeffmark",
    "\u202egnirts\u202c\u200b\u200d\U0001f4b8",
    "e" + "\u0301" * 500,
    "\x1b[31m\x07",
    "x" * 10_000,
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "}</style><style>*{display:none}",
    "'; DROP TABLE users; --",
    "1' OR '1'='1",
    "%s %(a)s %n {0} {a.__class__} {{ 7*7 }} {% debug %} ${7*7}",
    "=HYPERLINK(1)",
    '+1\n-1\t@SUM(1)"',
    "../../../../etc/passwd",
    "00000000-0000-0000-0000-000000000000",
    "urn:uuid:0193b1a0-0000-7000-8000-000000000001",
    "[]",
    "{}",
)

DAYS: Final = (
    "0000-01-01",
    "0001-01-01",
    "9999-12-31",
    "10000-01-01",
    "-0001-01-01",
    "2026-02-30",
    "2026-13-01",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "2016-12-31T23:59:60Z",
    "2026-02-30T00:00:00Z",
    "2026-11-22T24:00:00Z",
    "2026-11-22T00:00:00",
    "2026-11-22T00:00:00+24:00",
    "2026-11-22T00:00:00.1234567890Z",
    "2026-11-22T00:00:00[Europe/Berlin]",
    "2026-W47-7",
    "99999999999-01-01T00:00:00Z",
    "Europe/Nowhere",
)


def quoted(text: str) -> str:
    """The text as a JSON string, control characters escaped and the rest as it is."""
    escaped = (
        f"\\u{ord(letter):04x}" if ord(letter) < 0x20 or letter in '"\\' else letter
        for letter in text
    )
    return f'"{"".join(escaped)}"'


#: As they are written in a body: what every field is tried with. One of each type, and what often passes for one.
TYPES: Final = (
    "null",
    "true",
    "0",
    "-1",
    "1.5",
    "1e999",
    str(2**63),
    str(10**400),
    '""',
    '"words"',
    '"a\\u0000b"',
    '"\\ud800"',
    "[]",
    "[null]",
    "{}",
)

#: What else JSON can say that a field doesn't want, and what it can't say.
JSON_TEXTS: Final = (
    "false",
    "-0",
    "-5000",
    "1.0",
    "1e2",
    "1e308",
    "-1e999",
    "1e-999",
    str(2**53),
    str(2**53 + 1),
    str(10**15 + 1),
    str(2**63 - 1),
    str(-(2**63) - 1),
    "9" * 4_301,
    "NaN",
    "-Infinity",
    "01",
    "0x10",
    '"\\udfff\\ud800"',
    '"\\u0000"',
    '"\x00"',
    '"\n"',
    '"\\x41"',
    "'a'",
    "\ufeff1",
    "[[]]",
    "[1, 2, 3]",
    '{"": 1}',
    '{"\\u0000": 1}',
    '{"\\ud800": 1}',
    '{"a": 1, "a": 2}',
    '{"a": NaN}',
    '{"__proto__": {"is_staff": true}, "constructor": 1}',
    '{"$ne": null}',
    "[" * 20 + "]" * 20,
    "[" * 33 + "]" * 33,
    "[" * 1_000 + "]" * 1_000,
    '{"a":' * 5_000 + "1" + "}" * 5_000,
    *(quoted(text) for text in TEXTS),
    *(quoted(day) for day in DAYS),
)

BODIES: Final = (
    b"",
    b" ",
    b"null",
    b"true",
    b"0",
    b'"text"',
    b"[]",
    b"[{}]",
    b"{",
    b"{}{}",
    b"{'a': 1}",
    b'{"a": 1,}',
    b'{"a": 1} // said so',
    b"\x00",
    b"\xff\xfe{}",
    b"\xef\xbb\xbf{}",
    b'{"a": "\xff"}',
    b'{"a": "\xed\xa0\x80"}',
    b'{"a": "\xc0\x80"}',
    '{"a": 1}'.encode("utf-16"),
    '{"a": 1}'.encode("utf-16-le"),
    '{"a": 1}'.encode("utf-32"),
    b'{"org_id": "a", "org_id": "b"}',
    b'{"": 1}',
    b'{"\\u0000": 1}',
    b"[" * 33 + b"]" * 33,
    b"[" * 1_000 + b"]" * 1_000,
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b'{"a": "' + b"\\u0000" * 10_000 + b'"}',
    b'{"a": "' + b"x" * 300_000 + b'"}',
    b'{"a": "' + b"x" * (1024 * 1024 + 1 - 9) + b'"}',
    b"{" + b",".join(b'"%d": 1' % number for number in range(10_000)) + b"}",
    b"credits=-5000",
    b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\xab\xae\x05\x00C\xbf\xa6\xa3\x02\x00\x00\x00",
)

CONTENT_TYPES: Final = (
    "",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "multipart/form-data; boundary=",
    "multipart/form-data; boundary=" + "x" * 300,
    "application/json; charset=utf-16",
    "application/json; charset=\x7f",
    "application/json; charset=nobody-knows-this",
    "application/json;;;=",
    "application/problem+json",
    "x" * 5_000,
)

#: As they are written in a path or a query.
PARAMETERS: Final = (
    "",
    "%00",
    "a%00b",
    "%ff%fe",
    "%ed%a0%80",
    "%c0%80",
    "%",
    "%zz",
    "%u0041",
    "%0d%0aX-Injected:1",
    "%EF%BB%BFa",
    "%E2%80%AE%E2%80%8B",
    "0",
    "-1",
    "1.5",
    "501",
    str(2**53 + 1),
    str(2**63),
    str(10**20),
    "9" * 5_000,
    "%D9%A3",
    "1_0",
    "NaN",
    "1e999",
    "null",
    "true",
    "TRUE",
    "[]",
    "%7B%7D",
    "%25s%25(a)s",
    "'%20OR%201=1--",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    "%3DHYPERLINK(1)",
    "2026-11-22",
    *(day.replace("+", "%2B") for day in DAYS),
    "urn:uuid:0193b1a0-0000-7000-8000-000000000001",
    "00000000-0000-0000-0000-000000000000",
    "x" * 3_000,
)

#: Whole queries, wherever they are sent.
QUERIES: Final = (
    "nobody_knows_this=1",
    "format=1",
    "format=json&format=json",
    "%00=1",
    "%ff=1",
    "=1",
    "&" * 500,
    "a=1&" * 500,
    "&".join(f"p{number}=1" for number in range(10_000)),
    "?" * 100,
    "a[]=1&a[$ne]=1",
    "x" * 10_000,
)

#: What no client library lets through, put into headers that are read.
HEADERS: Final = (
    "",
    " ",
    "x" * 256,
    "x" * 10_000,
    "a\r\nX-Injected: 1",
    "a\nb",
    "a\x00b",
    "a\x7fb",
    "\xff\xfe",
    "\u202e",
    '"quoted"',
    "\x1b[31m",
    "{}",
    "%00",
    "../../",
    ",".join(["*/*;q=0.1"] * 500),
    "Bearer",
    "Bearer \xff",
    "Bearer " + "A" * 20_000,
    "Bearer obk_" + "0" * 38,
    "Bearer e30.e30.e30",
    "Basic Og==",
)

PATH_PARTS: Final = (*PARAMETERS, "..%2f..", "%2e%2e", ".", "\u0663", "x" * 5_000)


def share(values: Sequence[One], turn: int, size: int) -> Sequence[One]:
    """`size` of them, other ones for each turn; twelve times as many in the long form, all where that is all."""
    size *= LONGER if LONG else 1
    if size >= len(values):
        return values
    start = turn * size % len(values)
    return [*values[start:], *values[:start]][:size]
