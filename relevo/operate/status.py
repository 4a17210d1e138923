"""How a service says it is: its readiness, check by check."""

import json
import urllib.error
import urllib.request
from contextlib import suppress

_HTTP_OK = 200
# In the run folder of `relevo up`, as long as it runs: `{"urls": {service: url}, …}`.
STATE_FILE = "stack.json"


def health(url: str) -> tuple[bool, dict[str, str]]:
    """Whether a service is ready, and each of its checks."""
    try:
        with urllib.request.urlopen(f"{url}/health/ready", timeout=3) as answer:  # noqa: S310  our own http URL
            return answer.status == _HTTP_OK, json.load(answer)["checks"]
    except urllib.error.HTTPError as error:
        with suppress(ValueError, KeyError), error:
            return False, json.load(error)["checks"]
        return False, {"http": str(error)}
    except (OSError, ValueError) as error:
        return False, {"http": str(error)}
