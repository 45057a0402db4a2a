"""The OpenAPI document, and a tool that throws everything at it."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

BEGIN = 1_795_338_000
ENDLESS = [
    "/v1/events",
    "/v1/cameras/{camera}/live.mjpeg",
    "/v1/gates/{gate}/decisions",
    "/v1/sessions/{session_id}/basket/events",
    "/v1/shop/events",
]
CONFORMANCE = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]
NEEDS_NO_KEY = {"/healthz", "/readyz", "/metrics"}


@pytest.fixture(scope="session")
def document(shop):
    return httpx.get(f"{shop.url}/openapi.json").json()


def test_the_document_is_openapi_3_1_and_every_operation_says_what_it_answers(document):
    assert document["openapi"].startswith("3.1.")
    assert {tag["name"] for tag in document["tags"]} == {"cameras", "insights", "checkout", "events", "live", "health"}
    assert set(document["components"]["schemas"]) >= {"ProblemDetails", "Footfall", "Heatmap"}
    assert "HTTPValidationError" not in document["components"]["schemas"]
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["tags"]
            assert operation["summary"]
            assert operation["description"]
            if path in NEEDS_NO_KEY:
                assert "security" not in operation
                continue
            assert {name for choice in operation["security"] for name in choice} == {"bearer", "header"}
            for status in ("401", "403", "422", "429"):
                content = operation["responses"][status]["content"]
                assert list(content) == ["application/problem+json"], (path, status)


def test_references_in_the_document_lead_somewhere(document):
    def walk(part):
        if isinstance(part, dict):
            if isinstance(part.get("$ref"), str):
                target = document
                for step in part["$ref"].removeprefix("#/").split("/"):
                    target = target[step]
            for value in part.values():
                walk(value)
        elif isinstance(part, list):
            for value in part:
                walk(value)

    walk(document)


def run_cases(shop, document, check: Callable[[schemathesis.Case], None], examples: int) -> set[str]:
    """Run generated cases of every operation that ends by itself; return the operations."""
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=shop.url)
    tried = set()
    for result in schema.exclude(path=ENDLESS).get_all_operations():
        operation = result.ok()
        tried.add(operation.label)

        @settings(
            max_examples=examples,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def run(case: schemathesis.Case) -> None:
            case.headers.pop("Authorization", None)
            case.headers["X-API-Key"] = shop.keys["admin"]
            if case.path.endswith("/exits/next"):
                case.query |= {"wait": 0}
            check(case)

        run()
    return tried


def test_nothing_makes_the_server_fail(shop, document):
    def check(case: schemathesis.Case) -> None:
        case.call_and_validate(checks=[not_a_server_error])

    tried = run_cases(shop, document, check, examples=10)
    assert len(tried) == len(document["paths"]) - len(ENDLESS)


def test_answers_are_as_the_document_says(shop, document):
    """The same with names that exist, so that more than the refusals is seen; errors are problem documents."""

    def check(case: schemathesis.Case) -> None:
        if "camera" in case.path_parameters:
            case.path_parameters["camera"] = "entrance"
        for name, value in (("camera", "entrance"), ("line", "door"), ("zone", "till")):
            if name in case.query:
                case.query[name] = value
        if "from" in case.query:
            case.query |= {"from": BEGIN, "to": BEGIN + 7200}
        answer = case.call_and_validate(checks=CONFORMANCE)
        seen.add(answer.status_code)
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == ["application/problem+json"]

    seen: set[int] = set()
    shop.live.put("entrance", b"\xff\xd8")
    run_cases(shop, document, check, examples=4)
    assert 200 in seen
    assert 401 not in seen
