"""A SENS client from the vendor's document, written once more for the sandbox's own tests."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import Any

import requests

from sandbox.server import Sandbox

TO = "01000000001"


@dataclass
class Caller:
    """Signs and sends requests to the sandbox's SENS; every part can be made wrong."""

    sandbox: Sandbox
    skew_ms: int = 0
    access_key: str | None = None
    secret_key: str | None = None
    service_id: str | None = None
    timestamp: str | None = None

    @property
    def base(self) -> str:
        return f"/sms/v2/services/{self.service_id or self.sandbox.world.sens.service_id}"

    def call(self, method: str, target: str, *, body: Any = None) -> requests.Response:
        account = self.sandbox.world.sens
        now_ms = int(self.sandbox.world.now().timestamp() * 1000)
        timestamp = self.timestamp or str(now_ms + self.skew_ms)
        access_key = self.access_key or account.access_key
        text = f"{method} {target}\n{timestamp}\n{access_key}"
        secret = (self.secret_key or account.secret_key).encode()
        signature = base64.b64encode(hmac.new(secret, text.encode(), hashlib.sha256).digest())
        return requests.request(
            method,
            self.sandbox.urls["sens"] + target,
            json=body,
            headers={
                "x-ncp-apigw-timestamp": timestamp,
                "x-ncp-iam-access-key": access_key,
                "x-ncp-apigw-signature-v2": signature.decode(),
            },
            timeout=10,
        )

    def send(self, **changes: Any) -> requests.Response:
        body = {
            "type": "LMS",
            "contentType": "COMM",
            "from": self.sandbox.world.sens.default_sender,
            "subject": "예약 안내",
            "content": "예약이 확정되었습니다.",
            "messages": [{"to": TO}],
        } | changes
        sent = {name: value for name, value in body.items() if value is not None}
        return self.call("POST", f"{self.base}/messages", body=sent)

    def look(self, query: str = "") -> requests.Response:
        return self.call("GET", f"{self.base}/messages{query}")
