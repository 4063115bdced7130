"""The nested part of a raw booking (outside-services: Naver API fields)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Raw = dict[str, Any]


def an_option(*, name: str, count: int, index: int, unit: int) -> Raw:
    """Build one chosen option, as both `bookingOptionJson` arrays carry it."""
    return {
        "optionId": 20_200_000 + sum(map(ord, name)) % 9_000,
        "name": name,
        "price": unit,
        "bookingCount": count,
        "sumPrice": unit * count,
        "categoryTypeCode": "CUSTOM",
        "isFree": False,
        "categoryId": 6_300_001,
        "minBookingCount": 1,
        "maxBookingCount": 10,
        "normalPrice": None,
        "remainStock": 99_999,
        "titleImageUrl": "",
        "isOnsitePayment": False,
        "impOrder": index + 1,
        "originalName": name,
    }


def snapshot(
    *,
    store: str,
    booking_id: int,
    name: str,
    phone: str | None,
    start: str | None,
    end: str | None,
    options: Sequence[Mapping[str, Any]],
    price: int,
) -> Raw:
    """Build `snapshotJson`; `start`, `end` and `phone` are left out when None."""
    times = {"startDateTime": start, "endDateTime": end, "phone": phone}
    return {
        "bookingId": booking_id,
        "language": "ko",
        "businessTypeId": 6,
        "businessId": int(store),
        "placeId": f"20{store:0>8}",
        "businessName": f"모래상자 사진관 {store}",
        "serviceName": f"모래상자 사진관 {store}",
        "bizItemId": 6_900_000 + int(store) % 1000,
        "bizItemName": "셀프 촬영 60분",
        "bizItemSubType": "RESTAURANT_VISIT",
        "slotId": 1_095_000_000 + booking_id % 1000,
        "scheduleId": 1_079_000_000 + booking_id % 1000,
        "bookingTimeUnitCode": "RT01",
        "bookingConfirmCode": "CF01",
        "uncompletedBookingProcessCode": "UC01",
        "bookingPrecautionJson": [
            {"desc": "음식물 반입은 어렵습니다.", "title": None, "externalUrl": None}
        ],
        "bookingGuide": "예약 시간 10분 전에 도착해 주세요.",
        "todayDealJson": {},
        "isPeriodFixed": False,
        "isSeatUsed": False,
        "isAdminBooking": False,
        "isNPayUsed": True,
        "businessAddressJson": _address(),
        "bizItemAddressJson": {"jibun": None, "roadAddr": None, "detail": None},
        "deliveryAddressJson": {},
        "businessThumbImage": "https://sandbox.invalid/store.jpg",
        "bizItemThumbImage": "https://sandbox.invalid/item.jpg",
        **{key: value for key, value in times.items() if value is not None},
        "globalTimezone": "Asia/Seoul",
        "bookingCount": 1,
        "price": price,
        "bizItemPrice": 0,
        "bizItemDailyPriceJson": [],
        "priceTypeJson": [_price_type(booking_id)],
        "name": name,
        "email": f"guest{booking_id % 100_000}@sandbox.invalid",
        "customFormInputJson": [_question(booking_id)],
        "userExtraRequestJson": {},
        "termsVersion": "2024-11-21",
        "optionCategoriesJson": [_category(store)],
        "bookingOptionJson": [dict(option) for option in options],
        "seatGroupJson": [],
        "seatJson": [],
        "bookingPage": f"https://booking.naver.com/my/bookings/{booking_id}",
        "userAgentJson": {"raw": "Sandbox/1.0", "nClientIp": "192.0.2.1", "NNB": "SANDBOX0"},
        "translateStatusJson": {},
        "couponJson": [],
        "refundTimeOffset": 0,
        "isPossibleUserCancel": True,
        "isOnsitePayment": False,
        "isPartialCancelUsed": False,
        "extraFeeSettingJson": {},
        "allRefundSettingJson": {
            "refundLimitHour": None,
            "isAllRefundAgreed": False,
            "isAllRefundRequired": False,
            "allRefundPossibleHours": 1,
        },
        "paymentSettingJson": {},
        "isRequiringBookingOption": True,
        "isAgencyConnected": False,
        "nPayRegStatusCode": "PA01",
        "npayRegStatusCode": "PA01",  # both spellings exist
    }


def _address() -> Raw:
    return {
        "jibun": "모래시 상자동 0-0",
        "jibunDetail": None,
        "roadAddr": "모래시 상자로 0",
        "roadDetail": None,
        "detail": "1층",
        "placeName": None,
        "posLat": 37.0,
        "posLong": 126.0,
        "zoomLevel": 12,
        "address": "모래시 상자로 0 1층",
        "globalAddress": None,
        "miniMap": None,
        "isImpLocationGuide": True,
        "zipCode": "00000",
    }


def _price_type(booking_id: int) -> Raw:
    return {
        "__typename": "Price",
        "isDefault": False,
        "priceId": 8_700_000,
        "slotId": str(1_095_000_000 + booking_id % 1000),
        "scheduleId": str(1_079_000_000 + booking_id % 1000),
        "name": "default",
        "price": 0,
        "normalPrice": None,
        "bookingCount": 1,
        "sumPrice": 0,
    }


def _question(booking_id: int) -> Raw:
    answer = ("가족사진", "우정사진", "프로필")[booking_id % 3]
    return {
        "type": "SELECT",
        "title": "촬영 목적",
        "originalTitle": "촬영 목적",
        "required": "y",
        "options": [{"idx": 0, "value": "가족사진", "originalValue": "가족사진"}],
        "perItem": "n",
        "isTemporal": "n",
        "isPersonalInfo": "n",
        "value": answer,
        "originalValue": answer,
    }


def _category(store: str) -> Raw:
    return {
        "categoryId": 6_300_001,
        "parentCategoryId": None,
        "businessId": int(store),
        "name": "예약 필수 메뉴",
        "depth": 1,
        "order": 2,
        "selectionTypeCode": "CHECK",
        "categoryTypeCode": "CUSTOM",
        "isDeleted": False,
        "regDateTime": "2024-11-21T10:00:00+09:00",
    }
