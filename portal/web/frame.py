"""What every page stands in: theme, freshness, budget, and the headers of each answer."""

from collections.abc import Callable
from typing import Any
from django.http import HttpRequest, HttpResponse


def headers(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    return get_response


def frame(request: HttpRequest) -> dict[str, Any]:
    return {}
