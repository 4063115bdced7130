"""The legacy's ways to DynamoDB, SENS, Telegram and Naver's booking API, as it built them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import boto3
import requests
from boto3.dynamodb.conditions import Attr

from legacy.ports import Item, Message
from legacy.settings import LegacySettings

BROWSER = {  # with a count only (L5)
    "accept": "*/*",
    "accept-language": "en-US,en;q=0.9",
    "sec-ch-ua": '"Not_A Brand";v="8", "Chromium";v="120", "Google Chrome";v="120"',
    "sec-ch-ua-mobile": "?0",
    "sec-ch-ua-platform": '"Windows"',
    "sec-fetch-dest": "empty",
    "sec-fetch-mode": "cors",
    "sec-fetch-site": "same-origin",
    "x-booking-naver-role": "OWNER",
}


class DynamoTable:
    """Table `sms` without a single condition (outside-services: DynamoDB legacy tables)."""

    def __init__(self, settings: LegacySettings) -> None:
        resource = boto3.resource(
            "dynamodb", region_name=settings.region, endpoint_url=settings.aws_endpoint
        )
        self.table = resource.Table(settings.sms_table)

    def get(self, booking_num: str, phone: str) -> Item | None:
        """Read one item."""
        return self.table.get_item(Key={"booking_num": booking_num, "phone": phone}).get("Item")

    def put(self, item: Item) -> None:
        """Write an item over whatever stands there."""
        self.table.put_item(Item=item)

    def set_flag(self, booking_num: str, phone: str, flag: str) -> None:
        """Set a flag without any condition."""
        self.table.update_item(
            Key={"booking_num": booking_num, "phone": phone},
            UpdateExpression="SET #flag = :true",
            ExpressionAttributeNames={"#flag": flag},
            ExpressionAttributeValues={":true": True},
        )

    def open_items(self) -> list[Item]:
        """Scan one page, which DynamoDB ends after a megabyte (L8)."""
        items: list[Item] = self.table.scan(FilterExpression=Attr("option_sms").eq(False))["Items"]
        return items


@dataclass(frozen=True)
class SensSender:
    """One request a message, signed, without a time-out; the answer is not looked at (L14, L18)."""

    settings: LegacySettings

    def send(self, message: Message) -> None:
        """Send it."""
        settings = self.settings
        uri = f"/sms/v2/services/{settings.sens_service_id}/messages"
        now = datetime.now(UTC) + timedelta(seconds=settings.clock_offset)
        timestamp = str(int(now.timestamp() * 1000))
        text = f"POST {uri}\n{timestamp}\n{settings.sens_access_key}"  # L19
        digest = hmac.new(settings.sens_secret_key.encode(), text.encode(), hashlib.sha256).digest()
        requests.post(  # noqa: S113 - the legacy waits for ever (L14)
            settings.sens_url + uri,
            headers={
                "Content-Type": "application/json; charset=utf-8",
                "x-ncp-apigw-timestamp": timestamp,
                "x-ncp-iam-access-key": settings.sens_access_key,
                "x-ncp-apigw-signature-v2": base64.b64encode(digest).decode(),
            },
            data=json.dumps(
                {
                    "type": message.type,
                    "contentType": message.content_type,
                    "from": message.sender,
                    "subject": message.subject,
                    "content": message.text,
                    "messages": [{"to": message.to}],
                }
            ),
        )


@dataclass(frozen=True)
class TelegramChat:
    """The owner's chat (L20)."""

    settings: LegacySettings

    def send(self, text: str) -> None:
        """Send one text."""
        url = f"{self.settings.telegram_url}/bot{self.settings.telegram_token}/sendMessage"
        requests.post(url, data={"chat_id": self.settings.telegram_chat, "text": text})  # noqa: S113 - L31


class BookingApi:
    """Count and list, with cookies cut down to name and value (L4-L7)."""

    def __init__(self, settings: LegacySettings, cookies: Sequence[Mapping[str, Any]]) -> None:
        self.settings = settings
        self.session = requests.Session()
        for cookie in cookies:
            self.session.cookies.set(cookie["name"], cookie["value"])  # L4

    def count(self, store_id: str, status: str, window: tuple[str, str] | None) -> Any:
        """Ask how many there are (L5)."""
        partner = self.settings.partner_url
        headers = {
            **BROWSER,
            "authority": urlsplit(partner).netloc,
            "referer": f"{partner}/bizes/{store_id}/booking-list-view",
        }
        return self._ask(
            f"/v3.1/businesses/{store_id}/bookings/count?", parameters(status, 0, window), headers
        )["count"]

    def page(self, store_id: str, status: str, *, page: int, window: tuple[str, str] | None) -> Any:
        """Read one page (L6)."""
        return self._ask(
            f"/api/businesses/{store_id}/bookings?", parameters(status, page, window), {}
        )

    def _ask(self, path: str, query: dict[str, str], headers: dict[str, str]) -> Any:
        """Ask without a time-out, and read whatever JSON comes, of any status (L28, L31)."""
        url = self.settings.partner_url + path
        return self.session.get(url, params=query, headers=headers).json()


def parameters(status: str, page: int, window: tuple[str, str] | None) -> dict[str, str]:
    """Give the query of count and list (L7)."""
    query = {
        "bizItemTypes": "STANDARD",
        "bookingStatusCodes": status,
        "dateDropdownType": "ENTIRE",
        "dateFilter": "USEDATE",
        "maxDays": "31",
        "nPayChargedStatusCodes": "",
        "orderBy": "",
        "orderByStartDate": "ASC",
        "paymentStatusCodes": "",
        "searchValue": "",
        "page": str(page),
        "size": "50",
        "noCache": str(int(time.time() * 1000)),
    }
    return query | ({"startDateTime": window[0], "endDateTime": window[1]} if window else {})
