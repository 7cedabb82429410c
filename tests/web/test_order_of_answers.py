"""401, 429, 403, 405, 413, 415, 406, 404, 400: whoever may not pass the first learns nothing of the rest."""

import io

import pytest

from orgbilling.web import body
from tests.api_client import problem

ID = "/api/things/0193f2a4-c1de-7b0f-8a53-c2d4e6f70819"
BAD_ID = "/api/things/nonsense"
LARGE = b'{"name": "' + b"a" * (256 * 1024) + b'"}'
JSON = "application/json"


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT", "OPTIONS", "TRACE", "BREW"])
@pytest.mark.parametrize("raw", [b"", b"{", LARGE, b"\x00"])
@pytest.mark.parametrize("path", [ID, BAD_ID, "/api/things?nope=1"])
def test_401_before_anything_else(http, method, raw, path):
    answer = http.generic(method, path, raw, content_type="text/plain", headers={"Accept": "a/b"})
    problem(answer, 401, "not_authenticated")
    assert answer["WWW-Authenticate"] == 'Bearer realm="org-billing"'


def test_wrong_credentials(http):
    answer = http.get(ID, headers={"Authorization": "Bearer wrong"})
    assert problem(answer, 401, "authentication_failed")["detail"] == "The token is unknown."
    assert answer["WWW-Authenticate"] == 'Bearer realm="org-billing", error="invalid_token"'


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS", "TRACE"])
def test_403_before_405_413_415_406(http, method):
    headers = {"Authorization": "Bearer bob", "Accept": "text/html"}
    answer = http.generic(method, ID, LARGE, content_type="text/plain", headers=headers)
    assert problem(answer, 403, "permission_denied")["detail"] == "Bob may not."


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "TRACE", "BREW"])
def test_405_before_413_415_406_404_400(http, alice, method):
    headers = {**alice, "Accept": "text/html"}
    answer = http.generic(method, f"{BAD_ID}?x=1", LARGE, content_type="text/xml", headers=headers)
    problem(answer, 405, "method_not_allowed")
    assert answer["Allow"] == "GET, POST, DELETE, HEAD"


def test_413_before_415_406_404(http, alice):
    headers = {**alice, "Accept": "text/html"}
    answer = http.post(BAD_ID, LARGE, content_type="text/xml", headers=headers)
    assert problem(answer, 413, "body_too_large")["max_bytes"] == 256 * 1024


def test_415_before_406_404(http, alice):
    headers = {**alice, "Accept": "text/html"}
    problem(
        http.post(BAD_ID, b"<a/>", content_type="text/xml", headers=headers),
        415,
        "unsupported_media_type",
    )


def test_406_before_404(http, alice):
    headers = {**alice, "Accept": "text/html"}
    answer = http.post(BAD_ID, b"{", content_type=JSON, headers=headers)
    problem(answer, 406, "not_acceptable")


@pytest.mark.parametrize(
    "thing_id",
    [
        "nonsense",
        "0193f2a4c1de7b0f8a53c2d4e6f70819",
        "{0193f2a4-c1de-7b0f-8a53-c2d4e6f70819}",
        "urn:uuid:0193f2a4-c1de-7b0f-8a53-c2d4e6f70819",
        "0193f2a4-c1de-7b0f-8a53-c2d4e6f7081\u0663",
        "%00",
        "0193f2a4-c1de-7b0f-8a53-c2d4e6f70819%0a",
        "%ff%fe",
        "1" * 5000,
    ],
)
def test_a_malformed_id_is_404_before_400(http, alice, thing_id):
    path = f"/api/things/{thing_id}"
    answer = http.post(f"{path}?x=1", b"{", content_type=JSON, headers=alice)
    problem(answer, 404, "not_found")


def test_an_unknown_object_is_404_before_an_unknown_parameter(http, alice):
    missing = "/api/things/ffffffff-c1de-7b0f-8a53-c2d4e6f70819"
    problem(http.get(missing, headers=alice), 404, "not_found")
    problem(http.get(f"{ID}?nope=1", headers=alice), 400, "validation_error")


def test_malformed_ids_are_no_way_around_authorization(http):
    """Nothing is authorized, and nothing is found either."""
    answer = http.get(BAD_ID, headers={"Authorization": "Bearer bob"})
    problem(answer, 404, "not_found")


def test_the_largest_body_passes_and_one_byte_more_does_not(http, alice):
    limit = 256 * 1024
    fits = b'{"x": "' + b"a" * (limit - 9) + b'"}'
    assert len(fits) == limit
    problem(http.post(ID, fits, content_type=JSON, headers=alice), 400, "unknown_field")
    problem(http.post(ID, fits + b" ", content_type=JSON, headers=alice), 413, "body_too_large")


def test_an_oversized_body_is_read_away_before_the_answer(rf):
    request = rf.post("/", b"a" * 300_000, content_type=JSON)
    with pytest.raises(body.BodyTooLarge):
        body.check_size(request, 256 * 1024)
    assert request.read() == b""


def test_no_more_than_4_mib_is_read_away(rf):
    request = rf.post("/", b"a" * (body.DRAIN_BYTES_MAX + 10), content_type=JSON)
    with pytest.raises(body.BodyTooLarge):
        body.check_size(request, 256 * 1024)
    assert len(request.read()) == 10


def test_a_chunked_body_is_read_and_limited(rf):
    def chunked(raw):
        request = rf.post("/", content_type=JSON, headers={"Transfer-Encoding": "chunked"})
        del request.META["CONTENT_LENGTH"]
        request.META["wsgi.input"] = io.BytesIO(raw)
        return request

    assert body.read_object(chunked(b'{"a": 1}'), 100) == {"a": 1}
    with pytest.raises(body.BodyTooLarge):
        body.read_object(chunked(b"[" * 101), 100)


@pytest.mark.parametrize(
    "declared",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/merge-patch+json",
        "application/json; charset=utf-16",
        "application/json; charset=latin-1",
        "",
    ],
)
def test_415(http, alice, declared):
    answer = http.post(ID, b"{}", content_type=declared, headers=alice)
    problem(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, gzip"])
def test_a_compressed_body_is_415(http, alice, encoding):
    headers = {**alice, "Content-Encoding": encoding}
    answer = http.post(ID, b"{}", content_type=JSON, headers=headers)
    problem(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "declared",
    ["application/json", "Application/JSON", 'application/json; charset="UTF-8"'],
)
def test_json_by_any_spelling(http, alice, declared):
    assert http.post(ID, b"{}", content_type=declared, headers=alice).status_code == 201


def test_no_body_needs_no_declaration(http, alice):
    assert http.post(ID, b"", content_type="text/plain", headers=alice).status_code == 201
    assert http.delete(ID, headers=alice).status_code == 204


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("*/*", 200),
        ("application/json", 200),
        ("application/*", 200),
        ("application/problem+json", 200),
        ("text/html, application/xhtml+xml, */*;q=0.1", 200),
        ("text/html, application/json;q=0.5", 200),
        ("APPLICATION/JSON", 200),
        ("", 200),
        ("text/html", 406),
        ("application/xml", 406),
        ("application/json;q=0, application/problem+json;q=0", 406),
        ("*/*;q=0", 406),
        ("*/*, application/json;q=0, application/problem+json;q=0", 406),
        ("application/json;q=x, application/problem+json;q=x", 406),
        ("nonsense", 406),
    ],
)
def test_accept(http, alice, accept, status):
    assert http.get(ID, headers={**alice, "Accept": accept}).status_code == status


def test_a_view_of_another_type(http, alice):
    answer = http.get("/api/csv", headers={**alice, "Accept": "text/csv"})
    assert answer.status_code == 200
    assert b"".join(answer) == b"a,b\r\n"
    problem(http.get("/api/csv", headers={**alice, "Accept": "text/html"}), 406, "not_acceptable")


@pytest.mark.parametrize("path", ["/api/public", "/health"])
def test_a_public_view_looks_at_no_credentials(http, path):
    assert http.get(path, headers={"Authorization": "Bearer wrong"}).status_code == 200


def test_head_is_get_without_the_body(http, alice):
    full, head = http.get(ID, headers=alice), http.head(ID, headers=alice)
    assert head.status_code == 200
    assert head.content == b""
    assert head["Content-Length"] == str(len(full.content))
    assert head["Content-Type"] == "application/json"


def test_no_content_has_no_body_and_no_type(http, alice):
    answer = http.delete(ID, headers=alice)
    assert answer.content == b""
    assert "Content-Type" not in answer.headers


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("usr_id=1", [("usr_id", "unknown_parameter")]),
        ("name=a&name=b", [("name", "repeated")]),
        ("name=%00", [("name", "invalid")]),
        ("page_size=5", [("page_size", "unknown_parameter")]),
        ("user_id=1", [("user_id", "invalid")]),
        ("start=yesterday", [("start", "invalid")]),
        ("start=2026-11-22", [("start", "invalid")]),
        ("start=2026-02-30T00:00:00Z", [("start", "invalid")]),
        ("start=99999-01-01T00:00:00Z", [("start", "invalid")]),
        ("a=1&b=2", [("a", "unknown_parameter"), ("b", "unknown_parameter")]),
        ("", []),
    ],
)
def test_query_strings(http, alice, query, wrong):
    answer = http.get(f"{ID}?{query}", headers=alice)
    if not wrong:
        assert answer.status_code == 200
        return
    errors = problem(answer, 400, "validation_error")["errors"]
    assert [(error["field"], error["code"]) for error in errors] == wrong


@pytest.mark.parametrize(
    ("start", "understood"),
    [
        ("2026-11-22T16:00:00Z", "2026-11-22T16:00:00Z"),
        ("2026-11-22T16:00:00%2B02:00", "2026-11-22T14:00:00Z"),
        ("2026-11-22T16:00:00+02:00", "2026-11-22T14:00:00Z"),
        ("0001-01-01T00:00:00%2B14:00", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59Z"),
    ],
)
def test_moments_in_query_strings(http, alice, start, understood):
    answer = http.get(f"{ID}?start={start}", headers=alice)
    assert answer.json()["given"] == {"start": understood}


def test_a_write_with_an_unknown_parameter_does_nothing(http, alice):
    problem(http.post(f"{ID}?dry_run=true", b"{}", JSON, headers=alice), 400, "validation_error")
    problem(http.delete(f"{ID}?force=true", headers=alice), 400, "validation_error")


def test_a_thousand_parameters_are_400(http, alice):
    query = "&".join(f"a{number}=1" for number in range(1001))
    problem(http.get(f"{ID}?{query}", headers=alice), 400, "validation_error")
