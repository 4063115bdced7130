"""What boto3 raises, in our words: the one translation for every service of AWS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
)

from naverplace.base.errors import Permanent, ServiceUnavailable, Throttled

CONFLICT = "ConditionalCheckFailedException"
_THROTTLED = {
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "SlowDown",
    "ThrottledException",
    "ThrottlingException",
    "TooManyRequestsException",
    "429",
}


@contextmanager
def translated(
    where: str, refused: str, advice: Mapping[str, str] = MappingProxyType({})
) -> Iterator[None]:
    """Raise Throttled, ServiceUnavailable or Permanent for what boto3 raises at `where`.

    A refusal ends with the `advice` for its error code, else with `refused`. A failed condition is
    no error and passes through.
    """
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code == CONFLICT:
            raise
        if code in _THROTTLED or status == 429:
            raise Throttled(f"{where}: throttled, also after retries ({code})") from error
        if status >= 500:
            raise ServiceUnavailable(f"{where}: answered {status} ({code})") from error
        if code in ("", str(status)):  # botocore has found no word of AWS's in the answer
            raise ServiceUnavailable(f"{where}: an answer broke off ({status})") from error
        words = advice.get(code, refused)
        raise Permanent(f"{where}: refused with {code} ({status}); {words}") from error
    except (NoCredentialsError, PartialCredentialsError, ProfileNotFound) as error:
        raise Permanent(
            f"{where}: we have no AWS credentials; give the machine a role, or set "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        ) from error
    except BotoCoreError as error:
        # The fault's class says enough; its text can hold URLs.
        raise ServiceUnavailable(f"{where}: not reached ({type(error).__name__})") from error
    except (AttributeError, LookupError, RecursionError, TypeError) as error:  # botocore's reading
        kind = type(error).__name__
        raise ServiceUnavailable(f"{where}: an answer that cannot be read ({kind})") from error
