"""Builds invented bookings in Naver's full shape (outside-services: Naver API fields)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.naver.snapshot import an_option, snapshot

Raw = dict[str, Any]
SEOUL = ZoneInfo("Asia/Seoul")
PRICE = 45_000
REVIEW_OPTIONS = (
    "무료 인화지 (네이버 포토리뷰 약속 시)",
    "인스타 업로드 약속 시 액자 증정",
    "원본 파일 전체 받기",
)
PLAIN_OPTIONS = ("인원 추가 (1인)", "반려동물 동반", "셀프 보정 20분")


def a_booking(
    store: str,
    booking_id: int,
    start: datetime | str | None,
    *,
    status: str = "RC03",
    name: str = "나무늘보",
    phone: str | None = "01000000000",
    options: Sequence[tuple[str, int]] = (),
    made: datetime | None = None,
    minutes: int = 60,
    changes: Mapping[str, Any] | None = None,
) -> Raw:
    """Build one raw booking.

    `start` may be a text for broken data, or None to leave it out; `phone` None leaves it out too.
    `options` are names with their bookingCount; `changes` overwrite top-level keys.
    """
    at = start if isinstance(start, datetime) else None
    day = (at or made or datetime(2025, 10, 22, tzinfo=SEOUL)).astimezone(SEOUL)
    made = (made or day - timedelta(days=3, minutes=booking_id % 600)).astimezone(SEOUL)
    paid_at = made + timedelta(seconds=38)
    chosen = [
        an_option(name=option, count=count, index=index, unit=0 if index == 0 else 5_000)
        for index, (option, count) in enumerate(options)
    ]
    total = PRICE + sum(option["sumPrice"] for option in chosen)
    raw: Raw = {
        **_identity(store, booking_id),
        "bookingStatusCode": status,
        **_customer(booking_id, name=name, phone=phone),
        "startDate": f"{day:%Y-%m-%d}",
        "endDate": f"{day:%Y-%m-%d}",
        "bookingCount": 1,
        "price": total,
        "couponPrice": 0,
        "totalPrice": total,
        "refundPolicyId": 3_900_000,
        "refundPrice": 0,
        "refundRate": 0,
        "regDateTime": _local(made),
        "confirmedDateTime": _local(paid_at),
        "isCompleted": status == "RC08",
        **_history(booking_id),
        "snapshotJson": snapshot(
            store=store,
            booking_id=booking_id,
            name=name,
            phone=phone,
            start=_utc(at) if at else start if isinstance(start, str) else None,
            end=_utc(at + timedelta(minutes=minutes)) if at else None,
            options=chosen,
            price=total,
        ),
        "bookingOptionJson": [dict(option) for option in chosen],
        **_payment(booking_id, total=total, made=made, paid_at=paid_at, options=chosen),
    }
    # Keys that do not apply are absent, not null.
    if status == "RC08" and at:
        raw["completedDateTime"] = _local(at + timedelta(minutes=minutes + 30))
    if status == "RC04":
        raw["cancelledDateTime"] = _local(paid_at + timedelta(hours=2))
    raw.update(changes or {})
    return raw


def _identity(store: str, booking_id: int) -> Raw:
    return {
        "bookingId": booking_id,
        "businessId": int(store),
        "businessName": f"모래상자 사진관 {store}",
        "serviceName": f"모래상자 사진관 {store}",
        "bizItemId": 6_900_000 + int(store) % 1000,
        "bizItemType": "STANDARD",
        "adminBookingStatusCode": "AB00",
        "isNonmember": False,
        "areaName": "네이버 플레이스 - 검색 목록",
        "isNPayUsed": True,
        "isPartialCancelUsed": False,
        "impPlaceId": f"20{store:0>8}",
        "isImpMyOwnPlace": True,
        "isPlaceHidden": False,
        "businessTypeId": 6,
        "businessCategory": "DL13",
        "bookingType": "STANDARD",
        "bizItemName": "셀프 촬영 60분",
        "bookingGuide": "예약 시간 10분 전에 도착해 주세요.",
    }


def _customer(booking_id: int, *, name: str, phone: str | None) -> Raw:
    customer: Raw = {
        "userId": 8_000_000 + booking_id % 100_000,
        "name": name,
        "email": f"guest{booking_id % 100_000}@sandbox.invalid",
        "isBlacklist": False,
        "isForcedPrivacyMasking": False,
    }
    if phone is not None:
        customer["phone"] = phone
    return customer


def _history(booking_id: int) -> Raw:
    return {
        "completedCount": booking_id % 5,
        "cancelledCount": 0,
        "userCancelledCount": 0,
        "noShowCount": int(booking_id % 41 == 0),
        "orderCompletedCount": 0,
        "orderCancelledCount": 0,
        "userOrderCancelledCount": 0,
        "orderNoshowCount": 0,
        "isPeriodFixed": False,
        "refundDate": "START_DATE",
        "isAllRefunded": False,
        "isPostPayment": False,
    }


def _payment(
    booking_id: int, *, total: int, made: datetime, paid_at: datetime, options: Sequence[Raw]
) -> Raw:
    items = [
        {
            "name": option["name"],
            "price": option["sumPrice"],
            "count": option["bookingCount"],
            "targetType": "OPTION",
            "targetId": str(option["optionId"]),
        }
        for option in options
    ]
    return {
        "shippingStatus": "NONE",
        "extraFeeJson": {},
        "cancelledExtraFeeJson": {},
        "payments": [
            {
                "paymentId": 500_000 + booking_id % 100_000,
                "bookingId": booking_id,
                "moment": "PRE",
                "status": "PAID",
                "amount": total,
                "paidAmount": total,
                "paidPointAmount": 0,
                "provider": "NAVER_PAY",
                "providerOrderId": f"o{booking_id}",
                "providerPaymentId": f"p{booking_id}",
                "method": "NAVER_PAY_MONEY",
                "currency": "KRW",
                "exchangeRate": 1,
                "items": items,
                "statusHistories": [
                    {"status": "REGISTERED", "dateTime": _local(made)},
                    {"status": "PAID", "dateTime": _local(paid_at)},
                ],
            }
        ],
        "bookingOrigin": "NAVERBOOKING",
        "bookingCountType": "ARRANGEMENT",
        "bookingCoupons": [],
        "hasVisitor": False,
        "isProgramBizItem": False,
        "originalBusinessName": "모래상자 사진관",
        "isNonResidentForeigner": False,
        "nPayChargedName": "네이버페이 머니",
        "nPayChargedStatusCode": "CT02",
        "nPayChargedDateTime": _local(paid_at),
        "nPayProductOrderNumber": f"po{booking_id}",
        "nPayOrderNumber": f"no{booking_id}",
        "nPayOrderJson": [
            {"count": 1, "price": total, "regDateTime": _utc(paid_at), "nPayOrderType": "PAYMENT"}
        ],
    }


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _local(at: datetime) -> str:
    return at.astimezone(SEOUL).isoformat(timespec="seconds")
